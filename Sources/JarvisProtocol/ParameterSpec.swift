import JarvisCore

/// The shape that a parameter must have.
public indirect enum ParameterKind: Sendable, Hashable {
    /// A string, at least `minimum` bytes long.
    case string(minimum: Int = 0)
    /// One of the words.
    case word([String])
    /// A whole number in the range.
    case integer(ClosedRange<Int>)
    /// Any number.
    case number
    /// True or false.
    case boolean
    /// An array whose elements have the shape.
    case array(ParameterKind)
    /// Any object.
    case object
    /// Anything.
    case any
    /// The shape, or null to clear.
    case nullable(ParameterKind)

    /// The shape for people: "a string", "one of a, b".
    public var expectation: String {
        switch self {
        case .string(let minimum): minimum > 0 ? "a non-empty string" : "a string"
        case .word(let words): "one of \(words.joined(separator: ", "))"
        case .integer(let range):
            range.upperBound == Int.max
                ? "a whole number ≥ \(range.lowerBound)"
                : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .boolean: "true or false"
        case .array(let element): "an array, each element \(element.expectation)"
        case .object: "an object"
        case .any: "any value"
        case .nullable(let kind): "\(kind.expectation), or null"
        }
    }

    /// Whether `value` has the shape.
    public func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .string(let minimum): value.stringValue.map { $0.utf8.count >= minimum } ?? false
        case .word(let words): value.stringValue.map(words.contains) ?? false
        case .integer(let range): value.intValue.map(range.contains) ?? false
        case .number: value.doubleValue != nil
        case .boolean: value.boolValue != nil
        case .array(let element): value.arrayValue.map { $0.allSatisfy(element.accepts) } ?? false
        case .object: value.objectValue != nil
        case .any: true
        case .nullable(let kind): value.isNull || kind.accepts(value)
        }
    }
}

/// One parameter of a method.
public struct ParameterSpec: Sendable, Hashable {
    /// The member's name.
    public var name: String
    /// Its shape.
    public var kind: ParameterKind
    /// Whether it must be there.
    public var isRequired: Bool

    /// A parameter that must be there.
    public static func required(_ name: String, _ kind: ParameterKind) -> ParameterSpec {
        ParameterSpec(name: name, kind: kind, isRequired: true)
    }

    /// A parameter that may be left out.
    public static func optional(_ name: String, _ kind: ParameterKind) -> ParameterSpec {
        ParameterSpec(name: name, kind: kind, isRequired: false)
    }
}

/// A method of the protocol: what it is called, who may call it and what it takes.
public struct MethodDescriptor: Sendable, Hashable {
    /// The name on the wire.
    public var name: String
    /// The scope that a caller needs; nil when any connected operator may call.
    public var scope: Scope?
    /// One sentence for the reference.
    public var summary: String
    /// The parameters; the object is closed.
    public var parameters: [ParameterSpec]
    /// The result's shape in the notation of the reference.
    public var result: String

    /// A method.
    public init(
        _ name: String, scope: Scope?, _ summary: String, parameters: [ParameterSpec] = [], result: String
    ) {
        self.name = name
        self.scope = scope
        self.summary = summary
        self.parameters = parameters
        self.result = result
    }

    /// Checks `params` against the closed shape.
    ///
    /// - Throws: `INVALID_REQUEST`, "invalid <method> params: …", naming the member and the expected form.
    public func validate(_ params: JSONValue) throws(WireError) {
        guard case .object(let members) = params else {
            throw refuse("expected an object, found \(params.kindName)")
        }
        for parameter in parameters {
            guard let value = members[parameter.name] else {
                if parameter.isRequired { throw refuse("must have required property '\(parameter.name)'") }
                continue
            }
            guard parameter.kind.accepts(value) else {
                throw refuse("'\(parameter.name)' must be \(parameter.kind.expectation), found \(value.kindName)")
            }
        }
        if members.count > parameters.count
            || !members.keys.allSatisfy({ key in parameters.contains { $0.name == key } })
        {
            for key in members.keys where !parameters.contains(where: { $0.name == key }) {
                throw refuse("unexpected property '\(key.prefix(64))'")
            }
        }
    }

    private func refuse(_ reason: String) -> WireError { .invalidRequest("invalid \(name) params: \(reason)") }
}
