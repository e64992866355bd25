import Testing

@testable import JarvisProviders

@Suite struct OperatorIntentTests {
    /// What real people type, and what they mean.
    static let table: [(String, OperatorIntent)] = [
        // Knocking on the door.
        ("u there?", .presence), ("you there", .presence), ("are you there?", .presence), ("r u there??", .presence),
        ("anyone home?", .presence), ("anybody there", .presence), ("ping", .presence), ("PING!!", .presence),
        ("are you alive", .presence), ("r u up", .presence), ("wake up", .presence),
        ("hello? are you still there?", .presence),
        ("test", .presence), ("testing 1 2 3", .presence), ("can you hear me", .presence), ("answer me", .presence),
        ("u ok?", .presence), ("say something", .presence), ("???", .presence), ("bist du da?", .presence),
        ("hi", .greeting), ("Hello!", .greeting), ("hey there", .greeting), ("good morning", .greeting),
        ("yo", .greeting), ("hallo", .greeting), ("hola", .greeting), ("hi jarvis", .greeting), ("👋", .greeting),
        // Who is it.
        ("who are you", .identity), ("who r u?", .identity), ("what are you", .identity),
        ("whats your name", .identity),
        ("who is this", .identity), ("are you gpt?", .identity), ("are you a real person", .identity),
        ("are you an ai", .identity), ("is this claude?", .identity), ("am i talking to a bot", .identity),
        ("what is the operator?", .identity), ("introduce yourself", .identity),
        // Help.
        ("help", .help), ("help me", .help), ("hlep", .help), ("what can you do?", .help), ("what can u do", .help),
        ("commands", .help), ("/help", .help), ("/commands", .help), ("/start", .help), ("how do i use this", .help),
        ("what now", .help), ("im lost", .help), ("Hilfe", .help), ("ayuda por favor", .help),
        ("what can i ask you", .help), ("how does this work", .help), ("SOS help!!", .help),
        // Status.
        ("status", .status), ("/status", .status), ("stauts", .status), ("status pls", .status), ("Status?", .status),
        ("whats the status", .status), ("give me a status report", .status), ("hows it going", .status),
        ("how are you", .status), ("is everything ok?", .status), ("are you healthy", .status), ("/health", .status),
        ("health check", .status), ("how much memory are you using", .status), ("is the gateway running", .status),
        ("is it still up?", .status), ("all good?", .status), ("jarvis status", .status),
        ("jarvis --profile main status --json", .status), ("$ jarvis gateway status", .status),
        // What is wrong.
        ("whats wrong", .diagnose), ("what's wrong?", .diagnose), ("whats wrong with you", .diagnose),
        ("something is broken", .diagnose), ("its broken", .diagnose), ("any problems?", .diagnose),
        ("any issues", .diagnose), ("why isnt it working", .diagnose), ("it doesnt work", .diagnose),
        ("nothing works", .diagnose), ("what happened?", .diagnose), ("wtf happened", .diagnose), ("fix it", .diagnose),
        ("diagnose", .diagnose), ("whats going on", .diagnose), ("why is it down", .diagnose),
        ("you stuck?", .diagnose),
        ("/doctor", .diagnose), ("whats the problem", .diagnose), ("not working", .diagnose),
        ("it stopped working", .diagnose),
        // No answer from the model.
        ("why arent you answering", .silence), ("why aren't you answering me?", .silence),
        ("why dont you reply", .silence), ("why no response", .silence), ("you are not responding", .silence),
        ("why so quiet", .silence), ("are you ignoring me", .silence), ("where is claude", .silence),
        ("wheres my assistant", .silence), ("the model is down", .silence), ("why did the model fail", .silence),
        ("why am i talking to the operator", .silence), ("openai broken?", .silence), ("stopped replying", .silence),
        ("model not working", .silence), ("no answer", .silence),
        // Errors and logs.
        ("show me the last errors", .errors(limit: 5)), ("errors", .errors(limit: 5)), ("erors", .errors(limit: 5)),
        ("last 10 errors", .errors(limit: 10)), ("any errors?", .errors(limit: 5)),
        ("show error log", .errors(limit: 5)),
        ("what went wrong", .errors(limit: 5)), ("what failed", .errors(limit: 5)), ("/errors", .errors(limit: 5)),
        ("why did you crash", .errors(limit: 5)), ("last three failures", .errors(limit: 3)),
        ("Zeig mir die letzten Fehler", .errors(limit: 5)), ("recent exceptions please", .errors(limit: 5)),
        ("logs", .logs(limit: 10, level: nil)), ("show logs", .logs(limit: 10, level: nil)),
        ("show me the log", .logs(limit: 10, level: nil)), ("last 20 log lines", .logs(limit: 20, level: nil)),
        ("tail the logs", .logs(limit: 10, level: nil)), ("/logs 5", .logs(limit: 5, level: nil)),
        ("warnings", .logs(limit: 10, level: "warn")), ("debug logs pls", .logs(limit: 10, level: "debug")),
        ("jarvis logs --follow", .logs(limit: 10, level: nil)), ("can i see the logs?", .logs(limit: 10, level: nil)),
        ("last 5000 log lines", .logs(limit: 30, level: nil)),
        // Models.
        ("how do i add an api key", .connectModel(provider: nil)), ("connect a model", .connectModel(provider: nil)),
        ("how do i connect a model?", .connectModel(provider: nil)), ("add openai", .connectModel(provider: "openai")),
        ("how to set up claude", .connectModel(provider: "anthropic")), ("setup", .connectModel(provider: nil)),
        ("where do i put my api key", .connectModel(provider: nil)),
        ("i want to use ollama", .connectModel(provider: "ollama")),
        ("onboard", .connectModel(provider: nil)), ("how do i get started", .connectModel(provider: nil)),
        ("switch to claude", .connectModel(provider: "anthropic")),
        ("add a local model", .connectModel(provider: "ollama")),
        ("conect a modle", .connectModel(provider: nil)), ("i need an ai", .connectModel(provider: nil)),
        ("which model are you using", .modelStatus), ("what model is this", .modelStatus), ("/model", .modelStatus),
        ("current model", .modelStatus), ("list models", .modelStatus), ("/models", .modelStatus),
        // Settings.
        ("change port to 19000", .configSet(path: "gateway.port", value: "19000")),
        ("change the port to 19000 please", .configSet(path: "gateway.port", value: "19000")),
        ("set port 19000", .configSet(path: "gateway.port", value: "19000")),
        ("Can you set the gateway port to 19000?", .configSet(path: "gateway.port", value: "19000")),
        ("set gateway.port = 19000", .configSet(path: "gateway.port", value: "19000")),
        ("gateway.port=19000", .configSet(path: "gateway.port", value: "19000")),
        ("change port from 18789 to 19000.", .configSet(path: "gateway.port", value: "19000")),
        ("run on port 19000", .configSet(path: "gateway.port", value: "19000")),
        (
            "set agents.defaults.model to openai/gpt-4o",
            .configSet(path: "agents.defaults.model", value: "openai/gpt-4o")
        ),
        ("use openai/gpt-4o", .configSet(path: "agents.defaults.model", value: "openai/gpt-4o")),
        (
            "switch the model to openai/gpt-4.1-mini",
            .configSet(path: "agents.defaults.model", value: "openai/gpt-4.1-mini")
        ),
        ("/model openai/gpt-4o", .configSet(path: "agents.defaults.model", value: "openai/gpt-4o")),
        ("/config set logging.level debug", .configSet(path: "logging.level", value: "debug")),
        ("jarvis config set gateway.bind lan", .configSet(path: "gateway.bind", value: "lan")),
        ("make the log level debug", .configSet(path: "logging.level", value: "debug")),
        ("i want to change the timeout to 900", .configSet(path: "agents.defaults.timeoutSeconds", value: "900")),
        ("set ui.name to “Home Bot”", .configSet(path: "ui.name", value: "\"Home Bot\"")),
        ("set foo.bar to 3", .configSet(path: "foo.bar", value: "3")),
        (
            "set models.providers.openai.apiKey ${OPENAI_API_KEY}",
            .configSet(path: "models.providers.openai.apiKey", value: "${OPENAI_API_KEY}")
        ),
        ("change the port", .configSetIncomplete(path: "gateway.port")),
        ("how do i change the port?", .configSetIncomplete(path: "gateway.port")),
        ("change a setting", .configSetIncomplete(path: nil)),
        ("unset gateway.port", .configUnset(path: "gateway.port")),
        ("remove agents.defaults.model", .configUnset(path: "agents.defaults.model")),
        ("get gateway.port", .configGet(path: "gateway.port")),
        ("what is gateway.bind?", .configGet(path: "gateway.bind")),
        ("whats agents.defaults.model set to", .configGet(path: "agents.defaults.model")),
        ("gateway.port", .configGet(path: "gateway.port")), ("config get gateway", .configGet(path: "gateway")),
        ("show me the gateway config", .configGet(path: "gateway")), ("get port", .configGet(path: "gateway.port")),
        ("/config get logging.level", .configGet(path: "logging.level")),
        ("config", .configHelp), ("show config", .configHelp),
        ("how do i change settings", .configSetIncomplete(path: nil)),
        ("where is the config file", .configFile), ("config path", .configFile),
        ("validate config", .configValidate), ("is my config valid?", .configValidate),
        ("check the config", .configValidate),
        ("jarvis config validate", .configValidate),
        // Secrets.
        ("set gateway.auth.token to hunter2", .secret(path: "gateway.auth.token", wasSent: true)),
        ("change the password to swordfish", .secret(path: "gateway.auth.password", wasSent: true)),
        ("set my api key to abcdef", .secret(path: nil, wasSent: true)),
        ("my openai key is sk-proj-abcdefghijklmnop1234", .secret(path: nil, wasSent: true)),
        ("sk-ant-api03-abcdefghijklmnop", .secret(path: nil, wasSent: true)),
        ("the token is abc123def456", .secret(path: "gateway.auth.token", wasSent: true)),
        ("change my password", .secret(path: "gateway.auth.password", wasSent: false)),
        // Doing.
        ("restart", .restart), ("restart pls", .restart), ("resatrt", .restart), ("/restart", .restart),
        ("please reboot", .restart), ("can you restart the gateway?", .restart), ("turn it off and on again", .restart),
        ("restart yourself", .restart), ("bounce it", .restart), ("re-start now!!!", .restart),
        ("undo that", .undo), ("undo", .undo), ("undo last change", .undo), ("revert", .undo), ("roll back", .undo),
        ("put it back", .undo), ("restore the last config", .undo), ("/undo", .undo),
        ("rollback the last change", .undo),
        ("sessions", .sessions), ("list sessions", .sessions), ("how many conversations are open", .sessions),
        ("jarvis sessions list", .sessions), ("/new", .newSession), ("new chat", .newSession),
        ("clear history", .newSession), ("start over", .newSession),
        ("version", .version), ("what version are you", .version), ("which version is running?", .version),
        ("uptime", .uptime), ("how long have you been up", .uptime), ("when did you last restart", .uptime),
        ("what port", .port), ("which port are you on?", .port), ("what port are you listening on", .port),
        ("dashboard", .dashboard), ("open the dashboard", .dashboard), ("whats the url of the web ui", .dashboard),
        ("which profile is this", .instance), ("which gateway is this?", .instance), ("/whoami", .instance),
        // Answers.
        ("yes", .yes(code: nil)), ("Yes!", .yes(code: nil)), ("y", .yes(code: nil)), ("yep", .yes(code: nil)),
        ("ok", .yes(code: nil)), ("yes please", .yes(code: nil)), ("do it", .yes(code: nil)),
        ("go ahead", .yes(code: nil)),
        ("sure thing", .yes(code: nil)), ("ja", .yes(code: nil)), ("👍", .yes(code: nil)), ("👍🏽", .yes(code: nil)),
        ("yes 4f2a", .yes(code: "4f2a")), ("confirm 4F2A", .yes(code: "4f2a")), ("ok do it now", .yes(code: nil)),
        ("no", .no), ("No.", .no), ("nope", .no), ("cancel", .no), ("never mind", .no), ("nvm", .no), ("stop", .no),
        ("don't", .no), ("dont restart", .no), ("leave it", .no), ("nein danke", .no), ("nein", .no), ("/stop", .no),
        ("👎", .no), ("wait", .no), ("n", .no),
        ("thanks", .thanks), ("thx!", .thanks), ("thank you so much", .thanks), ("danke", .thanks),
        ("good job", .thanks),
        ("bye", .goodbye), ("good night", .goodbye),
        // A second sample.
        ("yo u up?", .presence), ("hello are you working", .presence), ("is anyone there", .presence),
        ("whos there", .presence), ("are you dead", .presence), ("why is my bot not answering", .silence),
        ("bot isnt responding", .silence), ("i get no reply", .silence), ("claude is not answering", .silence),
        ("gpt down?", .silence), ("its not working", .diagnose), ("what is going on here", .diagnose),
        ("why are you broken", .diagnose), ("whats up with you", .diagnose), ("run diagnostics", .diagnose),
        ("show last error", .errors(limit: 5)), ("list the 3 latest errors", .errors(limit: 3)),
        ("print logs", .logs(limit: 10, level: nil)), ("gimme the logs", .logs(limit: 10, level: nil)),
        ("view log file", .logs(limit: 10, level: nil)), ("can u restart", .restart),
        ("pls restart the server", .restart),
        ("restart now", .restart), ("reboot the gateway please", .restart), ("i need you to restart", .restart),
        ("setup openai", .connectModel(provider: "openai")),
        ("how can i use gemini", .connectModel(provider: "google")),
        ("how do i connect chatgpt", .connectModel(provider: "openai")), ("add provider", .connectModel(provider: nil)),
        ("i want to add my openai key", .connectModel(provider: "openai")),
        ("update the port to 20000", .configSet(path: "gateway.port", value: "20000")),
        ("please set logging.level to debug", .configSet(path: "logging.level", value: "debug")),
        ("pls change log level to info", .configSet(path: "logging.level", value: "info")),
        ("could you change gateway.port to 19000 for me", .configSet(path: "gateway.port", value: "19000")),
        ("show gateway.port", .configGet(path: "gateway.port")),
        ("what's gateway.auth.mode", .configGet(path: "gateway.auth.mode")),
        ("undo my last change", .undo), ("undo the change", .undo), ("change it back", .undo),
        ("revert that pls", .undo),
        ("what can i do", .help), ("what do you do", .help), ("show me the commands", .help), ("options", .configHelp),
        ("which llm", .modelStatus), ("what ai is this", .modelStatus),
        ("how long have you been running", .uptime), ("show my sessions", .sessions), ("reset chat", .newSession),
        ("where's the dashboard", .dashboard), ("link to the web page", .dashboard),
        ("what instance am i on", .instance),
        ("yes do it", .yes(code: nil)), ("yes restart", .yes(code: nil)), ("yeah go ahead", .yes(code: nil)),
        ("no thanks", .no), ("no leave it", .no), ("stop it", .no), ("cancel that", .no), ("hey jarvis", .greeting),
        ("what time is it", .general), ("tell me a joke", .general), ("how do i cook rice", .general),
        ("can you book a flight for me", .general), ("summarize this article", .general),
        ("why do cats purr", .general), ("what is the model of a fiat car", .general),
        ("who is the president", .general),
        ("is it going to rain", .general), ("how much is a bitcoin", .general),
        ("write code to reset a linked list", .general),
        // A third sample.
        ("is the model working?", .silence), ("why cant you answer my question", .silence),
        ("i cant connect", .diagnose),
        ("are you there jarvis", .presence), ("jarvis?", .presence), ("its down", .diagnose), ("bot dead?", .diagnose),
        ("how do i fix the model", .silence), ("whats the password", .configGet(path: "gateway.auth.password")),
        ("show me the token", .configGet(path: "gateway.auth.token")), ("shutdown", .shutdown), ("kill it", .shutdown),
        ("stop the gateway", .shutdown), ("shut down", .shutdown), ("update", .version), ("is it fixed", .status),
        ("api key expired", .silence), ("401 error", .silence), ("rate limit?", .silence),
        ("what does 401 mean", .silence),
        ("my api key is not working", .silence), ("openai api key", .connectModel(provider: "openai")),
        ("Wer bist du?", .identity), ("Was ist los?", .diagnose), ("Warum antwortest du nicht?", .silence),
        ("set gateway.port to 19000 and restart", .configSet(path: "gateway.port", value: "19000")),
        ("why", .silence), ("what", .help), ("huh", .help), ("i can not connect", .diagnose), ("exit", .goodbye),
        ("what is jarvis", .identity),
        ("why is grass green", .general), ("what is love", .general), ("the key to success", .general),
        // Not for the operator.
        ("write me a poem", .general), ("what is the capital of France", .general), ("why is the sky blue", .general),
        ("write me a poem about server errors", .general), ("what's the status of my amazon order", .general),
        ("translate hello to french", .general), ("make node.js great again", .general),
        ("help me write an essay about cats", .general), ("who won the world cup", .general),
        ("what's the weather tomorrow", .general), ("Wie wird das Wetter morgen?", .general),
        ("set a timer for 5 minutes", .general), ("change my life to something better", .general),
        ("remind me to call mom at 6", .general), ("yes but not now", .general), ("你好吗", .general),
        ("مرحبا كيف حالك", .general), ("🎉🎊", .general), ("use your imagination to write a story", .general),
        // Nothing and unknown.
        ("", .empty), ("   \n\t ", .empty), ("\u{0}\u{0}", .empty), ("\u{200B}\u{202E}", .empty),
        ("/frobnicate now", .unknownCommand("frobnicate")), ("/tts on", .unknownCommand("tts")),
        ("[Sun 2026-11-22 15:04 UTC] status", .status), ("st\u{0}atus", .status), ("\u{202E}status\u{202C}", .status),
    ]

    @Test(arguments: table.indices) func phrase(index: Int) {
        let (text, intent) = Self.table[index]
        #expect(OperatorParse.parse(text).intent == intent, "\(text)")
    }

    @Test func tableIsUsefulAndHasNoDuplicates() {
        #expect(Self.table.count >= 150)
        #expect(Set(Self.table.map(\.0)).count == Self.table.count)
    }

    @Test func pastedCommandKeepsItsProfile() {
        #expect(OperatorParse.parse("jarvis --profile rescue status").profile == "rescue")
        #expect(OperatorParse.parse("jarvis status --profile=rescue").profile == "rescue")
        #expect(OperatorParse.parse("jarvis --dev status").profile == "dev")
        #expect(OperatorParse.parse("jarvis status").profile == nil)
    }

    @Test func hugeAndHostileTextIsRead() {
        for text in [
            String(repeating: "a", count: 1_048_576), String(repeating: "restart ", count: 131_072),
            String(repeating: "\u{0}", count: 1_048_576), String(repeating: "🎉", count: 262_144),
            "yes " + String(repeating: "no ", count: 400_000), String(repeating: "{", count: 100_000),
            "set gateway.port " + String(repeating: "9", count: 1_000_000),
        ] {
            let intent = OperatorParse.parse(text).intent
            #expect(intent != .yes(code: nil))
            #expect(intent != .restart)
        }
    }

    @Test func everyTopicHasAPatternAndAPhrase() {
        for topic in OperatorTopic.allCases {
            #expect(OperatorPhrases.patterns.contains { $0.topic == topic }, "\(topic)")
        }
    }
}
