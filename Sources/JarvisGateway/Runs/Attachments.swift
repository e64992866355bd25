import JarvisCore
import JarvisKit
import JarvisProtocol

/// Attachments of a chat message: images, base64 or data URL.
enum Attachments {
    /// The image blocks of an `attachments` parameter.
    ///
    /// The size is judged from the length of the base64 before anything is decoded.
    ///
    /// - Throws: `INVALID_REQUEST` naming the attachment.
    static func images(_ parameter: JSONValue?) throws(WireError) -> [ContentBlock] {
        guard let list = parameter?.arrayValue, !list.isEmpty else { return [] }
        guard list.count <= 16 else { throw .invalidRequest("at most 16 attachments a message, found \(list.count)") }
        var blocks: [ContentBlock] = []
        for (index, attachment) in list.enumerated() {
            let name = attachment["fileName"]?.stringValue?.prefix(64).description ?? "attachment \(index + 1)"
            guard var content = attachment["content"]?.stringValue else {
                throw .invalidRequest("\(name): 'content' must be base64 or a data URL")
            }
            var mimeType = attachment["mimeType"]?.stringValue ?? ""
            if content.hasPrefix("data:") {
                guard let comma = content.firstIndex(of: ","), content[..<comma].hasSuffix(";base64") else {
                    throw .invalidRequest("\(name): only base64 data URLs are accepted")
                }
                if mimeType.isEmpty { mimeType = String(content[..<comma].dropFirst(5).dropLast(7)) }
                content = String(content[content.index(after: comma)...])
            }
            guard mimeType.hasPrefix("image/") else {
                throw .invalidRequest("\(name): only images are accepted, found \"\(mimeType.prefix(64))\"")
            }
            guard content.utf8.count / 4 * 3 <= Policy.maxAttachmentBytes else {
                throw .invalidRequest("\(name): larger than \(Policy.maxAttachmentBytes) bytes")
            }
            guard Base64URL.decode(content) != nil else { throw .invalidRequest("\(name): 'content' is not base64") }
            blocks.append(.image(data: content, mimeType: mimeType))
        }
        return blocks
    }
}
