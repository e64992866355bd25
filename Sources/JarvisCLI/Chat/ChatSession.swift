import JarvisClient
import JarvisCore

/// One chat in the terminal: what is typed, what the gateway says, and what becomes of both. Messages go one at a time;
/// what is said during an answer waits for its end.
actor ChatSession {
    /// Something that happened.
    enum Happening: Sendable {
        case input(ChatInput.Piece)
        case event(GatewayEvent)
        /// The connection ended.
        case lost
        case back(RPCClient)
        case gone(Failure)
        case leave
    }

    /// A message that is being answered.
    struct Turn {
        var runId: String
        var message: String
        var printer: AnswerPrinter
    }

    let link: GatewayLink
    let screen: ChatScreen
    let history: LineHistory
    let thinking: String?
    let historyLimit: Int
    var sessionKey: String
    /// The session's full key, as events carry it.
    var fullKey = ""
    var client: RPCClient?
    var turn: Turn?
    /// Questions of the agent that wait for an answer: what is typed is shown although an answer is being made.
    var openQuestions: Set<String> = []
    private var editor: LineEditor
    private var waiting: [String] = []
    private var inputEnded = false
    private var leaveAsked = false
    private var isDone = false
    private var failure: Failure?
    private let happenings: AsyncStream<Happening>
    private let happen: AsyncStream<Happening>.Continuation
    /// How long a gateway that went away may stay away.
    private static let patience = Duration.seconds(600)

    init(
        link: GatewayLink, screen: ChatScreen, history: LineHistory, sessionKey: String, thinking: String?,
        historyLimit: Int
    ) {
        self.link = link
        self.screen = screen
        self.history = history
        self.sessionKey = sessionKey
        self.thinking = thinking
        self.historyLimit = historyLimit
        editor = LineEditor(history: history.load())
        (happenings, happen) = AsyncStream.makeStream(of: Happening.self, bufferingPolicy: .bufferingOldest(16_384))
    }

    /// Chats until the person leaves.
    ///
    /// - Throws: the failure that made going on impossible.
    func run(_ client: RPCClient, first: String?) async throws {
        adopt(client)
        await showHistory(limit: historyLimit)
        if let first { waiting.append(first) }
        ChatInput.start(isRaw: screen.isRaw) { [happen] piece in happen.yield(.input(piece)) }
        await sendNext()
        if turn == nil { screen.showPrompt(editor) }
        for await happening in happenings {
            await handle(happening)
            if isDone { break }
        }
        screen.close()
        await link.close()
        if let failure {
            throw JarvisError(
                JarvisError.Code(rawValue: failure.code), failure.message, hint: failure.hint,
                exitCode: failure.exitCode)
        }
    }

    /// Leaves soon; from any thread.
    nonisolated func leave() { happen.yield(.leave) }

    // MARK: What happens

    private func handle(_ happening: Happening) async {
        switch happening {
        case .input(.keys(let keys)):
            for key in keys where !isDone { await handle(key) }
        case .input(.line(let line)):
            if turn != nil, let command = ChatCommandLine(line), case .approve = command {
                await perform(command)
            } else if !line.allSatisfy(\.isWhitespace) {
                waiting.append(line)
            }
        case .input(.end): inputEnded = true
        case .event(let event): handle(event)
        case .lost:
            client = nil
            reconnect()
        case .back(let client):
            screen.note("connected again")
            adopt(client)
            await sayAgain()
        case .gone(let failure):
            self.failure = failure
            isDone = true
        case .leave: isDone = true
        }
        await sendNext()
        if inputEnded, turn == nil, waiting.isEmpty { isDone = true }
    }

    private func handle(_ key: Key) async {
        if key != .interrupt { leaveAsked = false }
        switch editor.handle(key) {
        case .none: break
        case .changed:
            if turn == nil || !openQuestions.isEmpty { screen.showPrompt(editor) }
        case .clearScreen: screen.clear(editor)
        case .leave: isDone = true
        case .interrupt: await interrupt()
        case .submit(let line):
            if line.allSatisfy(\.isWhitespace) {
                if turn == nil { screen.showPrompt(editor) }
                return
            }
            history.append(line)
            // An answer waits for this: it can't wait for the answer.
            if turn != nil, let command = ChatCommandLine(line), case .approve = command {
                return await perform(command)
            }
            waiting.append(line)
            if turn == nil { screen.commit(line) } else { screen.note("(next: \(Humanize.line(line, width: 60)))") }
            await sendNext()
        }
    }

    private func interrupt() async {
        if let turn {
            if leaveAsked {
                isDone = true
                return
            }
            leaveAsked = true
            await abort(turn)
        } else if !editor.text.isEmpty {
            editor.clear()
            screen.showPrompt(editor)
        } else if leaveAsked {
            isDone = true
        } else {
            leaveAsked = true
            screen.line("(Ctrl-C again or Ctrl-D leaves)", .muted)
        }
    }

    private func sendNext() async {
        while turn == nil, !isDone, client != nil, !waiting.isEmpty {
            let line = waiting.removeFirst()
            if let command = ChatCommandLine(line) {
                await perform(command)
            } else {
                await send(line)
            }
            if turn == nil { screen.showPrompt(editor) }
        }
    }

    func finish() { isDone = true }

    /// Ends the turn and shows the prompt again.
    func endTurn() {
        turn = nil
        leaveAsked = false
        screen.endStream()
        if waiting.isEmpty { screen.showPrompt(editor) }
    }

    // MARK: The connection

    private func adopt(_ client: RPCClient) {
        self.client = client
        let happen = happen
        // unstructured: reads one connection's events for as long as it lives; the loop above is the only consumer
        Task {
            for await event in client.events { happen.yield(.event(event)) }
            happen.yield(.lost)
        }
    }

    private func reconnect() {
        if isDone { return }
        screen.endStream()
        screen.note("the connection is lost; trying again …")
        let link = link
        let happen = happen
        // unstructured: keys must be heard while the gateway is away
        Task {
            do {
                happen.yield(.back(try await link.reconnected(until: .now + Self.patience)))
            } catch {
                happen.yield(.gone(Failure(error)))
            }
        }
    }
}
