import JarvisCore

/// The file of approvals of one instance. All calls block.
package struct ApprovalsFile: Sendable {
    /// Its absolute path.
    package let path: String
    /// The largest that is read, in bytes.
    package static let maximumBytes = 1 << 20

    private static let noSuchFile: Int32 = 2

    /// The file at `path`.
    package init(path: String) { self.path = path }

    /// The file as it is.
    package struct Snapshot: Sendable {
        /// Whether it is there.
        package var exists: Bool
        /// SHA-256 of its bytes; nil when it is not there.
        package var hash: String?
        /// What it says; a failure `approvals.invalid` when it can't be read.
        package var document: Result<ApprovalsDocument, JarvisError>
    }

    /// Reads it. An absent file allows nothing for good.
    package func load() -> Snapshot {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(path, limit: Self.maximumBytes)
        } catch let error as SystemCallError where error.errorNumber == Self.noSuchFile {
            return Snapshot(exists: false, hash: nil, document: .success(.empty))
        } catch {
            return Snapshot(exists: true, hash: nil, document: .failure(unreadable("\(error)")))
        }
        let hash = Identifiers.sha256Hex(bytes)
        do {
            return Snapshot(
                exists: true, hash: hash, document: .success(try ApprovalsDocument(try JSONParser.parse(bytes))))
        } catch let error as JarvisError {
            return Snapshot(exists: true, hash: hash, document: .failure(unreadable(error.message)))
        } catch {
            return Snapshot(exists: true, hash: hash, document: .failure(unreadable("\(error)")))
        }
    }

    /// Writes it, 0600 and durably.
    ///
    /// - Parameter base: The hash that the change was made for; nil: there was no file.
    /// - Throws: `JarvisError` `approvals.changed` when the file is another by now, or the failure of the disk.
    @discardableResult
    package func save(_ document: ApprovalsDocument, base: String?) throws -> Snapshot {
        let now = load()
        if base != now.hash {
            throw JarvisError(
                "approvals.changed", "exec-approvals.json was changed by someone else in the meantime",
                hint: "Read it again (exec.approvals.get) and repeat the change.")
        }
        var document = document
        if case .success(let old) = now.document { document = document.keepingSocket(of: old) }
        try DurableFile.write(Array((JSONWriter.pretty(.object(document.json)) + "\n").utf8), to: path)
        return load()
    }

    /// Changes what is there.
    ///
    /// - Throws: `approvals.invalid` when the file can't be read, or the failure of the disk.
    @discardableResult
    package func edit(_ change: (ApprovalsDocument) -> ApprovalsDocument) throws -> Snapshot {
        let now = load()
        let old = try now.document.get()
        let new = change(old)
        if new == old { return now }
        return try save(new, base: now.hash)
    }

    private func unreadable(_ why: String) -> JarvisError {
        JarvisError(
            "approvals.invalid", "\(path) can't be read: \(why)",
            hint: "Repair it, or remove it to begin with none: jarvis approvals get shows it.")
    }
}
