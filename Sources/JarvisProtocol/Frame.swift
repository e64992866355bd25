import JarvisCore

/// A request frame: `{type:"req", id, method, params?}`. The frame is closed: an unknown member is an error.
public struct RequestFrame: Sendable {
    /// The sender's name for this request; the response carries it. 1 to 256 bytes.
    public var id: String
    /// The method.
    public var method: String
    /// The parameters; an empty object when the frame had none.
    public var params: JSONValue

    /// A request.
    public init(id: String, method: String, params: JSONValue = [:]) {
        self.id = id
        self.method = method
        self.params = params
    }

    /// Why a text frame is no request, with the id when one could be read.
    public struct DecodingFailure: Error, Sendable {
        /// The id of the request that failed, when it was readable.
        public var id: String?
        /// What to answer.
        public var error: WireError
    }

    /// Reads a text frame.
    ///
    /// - Throws: `DecodingFailure` with code `INVALID_REQUEST`.
    public init(_ bytes: some Collection<UInt8>) throws(DecodingFailure) {
        let json: JSONValue
        do {
            json = try JSONParser.parse(bytes)
        } catch {
            throw DecodingFailure(id: nil, error: .invalidRequest("invalid JSON in frame: \(error)"))
        }
        guard case .object(let members) = json else {
            throw DecodingFailure(
                id: nil, error: .invalidRequest("invalid request frame: expected an object, found \(json.kindName)"))
        }
        let readableId = members["id"]?.stringValue
        func refuse(_ reason: String) -> DecodingFailure {
            DecodingFailure(id: readableId, error: .invalidRequest("invalid request frame: \(reason)"))
        }
        guard members["type"]?.stringValue == "req" else { throw refuse("'type' must be \"req\"") }
        guard let id = readableId, !id.isEmpty, id.utf8.count <= 256 else {
            throw refuse("'id' must be a string of 1 to 256 bytes")
        }
        guard let method = members["method"]?.stringValue, !method.isEmpty else {
            throw refuse("'method' must be a non-empty string")
        }
        for key in members.keys where !["type", "id", "method", "params"].contains(key) {
            throw refuse("unexpected member '\(key.prefix(64))'")
        }
        self.init(id: id, method: method, params: members["params"] ?? [:])
    }

    /// The frame as bytes.
    public var bytes: [UInt8] {
        JSONWriter.encode(["type": "req", "id": .string(id), "method": .string(method), "params": params])
    }
}

/// The frames that the gateway sends, as bytes.
public enum OutgoingFrame {
    /// `{type:"res", id, ok:true, payload}`.
    public static func response(id: String, payload: JSONValue) -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.raw(#"{"type":"res","id":"#)
        writer.write(id)
        writer.raw(#","ok":true,"payload":"#)
        writer.write(payload)
        writer.raw("}")
        return writer.bytes
    }

    /// `{type:"res", id, ok:true, payload}` with a payload that is encoded already.
    public static func response(id: String, encodedPayload: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: encodedPayload.count + 64)
        writer.raw(#"{"type":"res","id":"#)
        writer.write(id)
        writer.raw(#","ok":true,"payload":"#)
        writer.raw(encodedPayload)
        writer.raw("}")
        return writer.bytes
    }

    /// `{type:"res", id, ok:false, error}`.
    public static func failure(id: String, error: WireError) -> [UInt8] {
        JSONWriter.encode(["type": "res", "id": .string(id), "ok": false, "error": error.json])
    }

    /// `{type:"event", event, payload, seq?, stateVersion?}`.
    public static func event(
        _ name: String, payload: JSONValue, seq: Int? = nil, stateVersion: JSONValue? = nil
    ) -> [UInt8] {
        JSONWriter.encode(
            .members([
                "type": "event", "event": .string(name), "payload": payload, "seq": seq.map(JSONValue.init(_:)),
                "stateVersion": stateVersion,
            ]))
    }
}

/// A frame that a client receives.
public enum IncomingFrame: Sendable {
    /// The answer to the request `id`.
    case response(id: String, Result<JSONValue, WireError>)
    /// An event; `seq` is there for broadcasts.
    case event(name: String, payload: JSONValue, seq: Int?)

    /// Reads a text frame; nil for anything that is neither, which a client ignores.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let json = try? JSONParser.parse(bytes) else { return nil }  // not JSON: not a frame of this protocol
        switch json["type"]?.stringValue {
        case "res":
            guard let id = json["id"]?.stringValue else { return nil }
            if json["ok"]?.boolValue == true {
                self = .response(id: id, .success(json["payload"] ?? .null))
            } else {
                self = .response(id: id, .failure(WireError(json: json["error"] ?? .null)))
            }
        case "event":
            guard let name = json["event"]?.stringValue else { return nil }
            self = .event(name: name, payload: json["payload"] ?? .null, seq: json["seq"]?.intValue)
        default: return nil
        }
    }
}
