import JarvisCore

/// What can be asked of the operator in free words.
enum OperatorTopic: String, CaseIterable, Sendable {
    case greeting, presence, identity, help, thanks, goodbye, status, diagnose, silence, errors, logs, connectModel
    case modelStatus, configHelp, configFile, configValidate, undo, restart, uptime, sessions, newSession, version, port
    case dashboard, instance, shutdown
}

/// The list of phrasings. To teach the operator a new way to say something, add a line.
///
/// A pattern is a list of groups separated by spaces, in any order in the sentence; a group is words separated by `|`;
/// `?` before a group makes it welcome but not needed. Of the patterns whose needed groups are all there, the one that
/// explains the most words wins (a telling word counts double), the earlier one on a tie. Words must be at least 4
/// letters long to be understood with a typing error.
enum OperatorPhrases {
    static let patterns: [(topic: OperatorTopic, pattern: String)] = [
        // Answers that name a thing.
        (
            .errors,
            "error|errors|errs|failure|failures|exception|exceptions|fehler ?last|latest|recent|past|new ?logs|log"
        ),
        (.errors, "crash|crashes|crashed|crashing ?last|latest|recent|why|did|you"),
        (.errors, "what failed|fails|fail ?last"),
        (.errors, "went wrong ?what|last"),
        (
            .logs,
            "log|logs|logfile|journal ?last|latest|recent|tail|follow|lines|read|view|file|files|warn|"
                + "debug|info"
        ),
        (.logs, "warning|warnings ?last|recent|any"),
        (.logs, "tail"),
        (.status, "status|stats|state|overview|report|zustand|estado ?what|full|quick|your|report|current"),
        (.status, "health|healthy|healthcheck ?how|your|are|check"),
        (.status, "how going|doing|things|everything|life"),
        (.status, "how are you ?today|doing"),
        (.status, "everything|all|things|is ok|okay|fine|good|well|running|up|healthy ?still"),
        (.status, "gateway|server|bot|it is|running|up|still|down running|up|online|down"),
        (.status, "memory|ram|cpu|load ?much|usage|use|using|how"),
        (.diagnose, "wrong|broken|broke|borked|fucked|busted|bricked|kaputt|kaput ?what|is|something|why"),
        (.diagnose, "issue|issues|problem|problems|trouble|troubles|probleme ?what|any|is|there"),
        (.diagnose, "diagnose|diagnosis|doctor|diagnostics|troubleshoot|debug ?yourself|run"),
        (.diagnose, "not work|works|working ?why|is|it|anything|nothing"),
        (.diagnose, "nothing|stopped works|working"),
        (.diagnose, "happened|happening|going what ?on|is"),
        (.diagnose, "what up ?is|with|going"),
        (.diagnose, "fix ?it|this|yourself|that"),
        (.diagnose, "stuck|hanging|hung|frozen|failing ?why|is|you|it"),
        (.diagnose, "not connect|login|reach|load ?can|i|dashboard|page|to"),
        (.diagnose, "dead|down is|bot|server|gateway ?it|everything"),
        (.diagnose, "was ist los ?hier"),
        (.diagnose, "down why ?is|it|everything"),
        (
            .silence,
            "not|no|never|stopped|without answer|answers|answering|answered|reply|replies|replying|replied|respond|"
                + "responds|responding|response|responses|talk|talking|say|listening|speak ?why|you|me|get|"
                + "are|any|my|question|questions|message|messages|anymore"
        ),
        (.silence, "why|so silent|quiet|ignoring|dumb|stupid|slow|useless ?me|you|are"),
        (.silence, "model|llm|ai|provider|claude|gpt|openai|anthropic working|works|fix|repair ?is|how|the"),
        (
            .silence,
            "apikey|key|401|403|429|500|503|unauthorized|quota|rate|credits invalid|expired|wrong|not|error|refused|"
                + "failed|limit|limited|rejected|exceeded|mean|means|bad ?what|is|does|my|working|work|accepted"
        ),
        (.silence, "warum antwortest|nicht ?du|mir"),
        (.silence, "ignoring|ignore me ?you|why|are"),
        (
            .silence,
            "model|llm|ai|provider|claude|gpt|openai|anthropic|brain not work|working|works|answer|answering ?why|is"
        ),
        (
            .silence,
            "model|models|llm|ai|provider|claude|gpt|openai|anthropic|gemini|brain fail|failed|failing|fails|down|"
                + "broken|dead|offline|unavailable|problem|wrong|error|happened|gone ?why|is|what|did"
        ),
        (.silence, "where model|llm|ai|claude|gpt|chatgpt|gemini|assistant|brain ?is|my|the"),
        (.silence, "why operator ?am|i|talking|to|you|answering|get|getting"),
        (
            .connectModel,
            "connect|add|setup|configure|attach|use|install|enable|plug|link|choose|pick|create|switch|change|get|"
                + "need|want|give|enter|put|select|bring|hook|onboard|register|set|store|save|update|replace "
                + "model|models|llm|ai|brain|provider|providers|openai|anthropic|claude|gpt|chatgpt|gemini|ollama|"
                + "mistral|openrouter|groq|llama|deepseek|key|keys|apikey|apikeys ?how|new|another|different|local"
        ),
        (.connectModel, "apikey|apikeys ?where|how|put|go|goes|my|does|openai|anthropic|provider"),
        (.connectModel, "key|keys where|how|put ?my|go|goes|does"),
        (.connectModel, "onboard|onboarding|setup ?how"),
        (.connectModel, "how|getting|get start|started|begin ?do|i"),
        (.connectModel, "login|signin|authenticate ?to|how|openai|anthropic"),
        (
            .modelStatus,
            "which|what|current|currently|active model|llm|ai|provider|brain ?using|use|running|are|"
                + "you|configured|this|is"
        ),
        (.modelStatus, "model|models|providers ?list|available|show|status|have"),
        (.identity, "who|what you|this|operator ?are|is"),
        (
            .identity,
            "are|is|am you|this|i gpt|chatgpt|claude|ai|llm|human|robot|bot|model|real|person|gemini ?talking|an"
        ),
        (.identity, "your name ?what|is"),
        (.identity, "what jarvis ?is"),
        (.identity, "wer bist ?du"),
        (.identity, "introduce yourself"),
        (.identity, "operator ?what|is|are|you"),
        (
            .configValidate,
            "config|configuration|settings|setting|file valid|validate|check|verify|lint|ok|okay|"
                + "right|correct|good|broken|wrong|invalid|errors|problems|issues ?is|my|any"
        ),
        (.configValidate, "validate|lint ?config"),
        (.configFile, "where|path|location|locate|find config|configuration|settings ?is|file|my|stored"),
        (
            .configHelp,
            "config|configuration|setting|settings|preferences|options|einstellungen ?see|view|"
                + "change|edit|list|what|which|how|can|have|get"
        ),
        (.undo, "undo ?last|that|change|previous|it|this|setting|config"),
        (.undo, "revert|rollback|unchange ?last|that|change|previous|it|this|setting|config|old|changes"),
        (.undo, "back put|change|set|switch ?it|that"),
        (.undo, "restore|back last|previous|old|before|setting|config|value"),
        (.undo, "change|changes did|made|last|i ?what|was|back"),
        (
            .restart,
            "restart|reboot|relaunch|respawn|restarting|bounce|reload|neustart|neustarten|redemarrer|"
                + "reiniciar ?config|yourself|gateway|now|need|you"
        ),
        (.restart, "turn|switch off on ?it|again|and"),
        (.restart, "start again ?please"),
        (.shutdown, "shutdown ?gateway|server|yourself|now"),
        (.shutdown, "shut|power|turn|switch down|off ?gateway|server|yourself|it"),
        (.shutdown, "stop|kill|quit|terminate gateway|server|process|jarvis|bot|it|yourself"),
        (.uptime, "uptime"),
        (.uptime, "how|since long|when you|running|up|been|alive|online ?been|have"),
        (.uptime, "when|did|has|last|was restarted|restart|started|start|boot|booted|reboot|rebooted ?last|you|it"),
        (
            .sessions,
            "session|sessions|conversations|conversation|chats|sitzungen ?active|how|many|open|which|what|my|all"
        ),
        (
            .newSession,
            "new|reset|clear|fresh|forget|start|delete|wipe session|sessions|chat|conversation|"
                + "context|history|everything"
        ),
        (.newSession, "reset|clear"),
        (.version, "update|upgrade ?yourself|available|is|there|any"),
        (.version, "version|release|build ?which|what|running|your|are"),
        (.port, "port|ports ?what|which|listening|listen|on|running|your"),
        (.port, "address|listening|listen what|which|where|your|on"),
        (.dashboard, "dashboard|webui|gui|website|webpage|browser|webchat|console ?open|url|link|where|is"),
        (.dashboard, "page|ui|url|link open|where|web|what|chat|give"),
        (.instance, "instance|profile|hostname|pid|instances|profiles ?which|what|this|you|are|name"),
        (.instance, "which gateway|server|bot|machine|host|box ?this|are|you|is|talking"),
        // Small talk last: it loses every tie.
        (.help, "help|helpp|sos|hilfe|ayuda|aide|pomoc|ajuda|aiuto|hjelp|hulp ?me|need|menu|i"),
        (.help, "commands|menu|usage|manual|instructions|capabilities|features|howto ?list|what|your|available"),
        (.help, "what can|could|do you|i|we ?do|ask|say|here|able|else"),
        (.help, "how use|work|works|operate ?you|this|do|i"),
        (.help, "what|now do|now|next ?i|should|can"),
        (.help, "lost|confused|idk ?i|am"),
        (
            .presence,
            "you|anyone|anybody|somebody|someone|still|is there|here|alive|awake|around|dead|home|"
                + "sleeping|ok|okay|online|working|up|asleep ?still|are|is|up|even|hello"
        ),
        (.presence, "ping|pong|beep"),
        (.presence, "test|testing ?1|2|3|123|this"),
        (.presence, "wake up ?please"),
        (.presence, "hear|read|see me|this ?you|can|do"),
        (.presence, "alive|awake ?still"),
        (.presence, "answer|say|talk|speak me|something|please ?to|just"),
        (.presence, "bist|du da"),
        (
            .greeting,
            "hi|hello|hey|yo|hallo|hola|sup|hiya|howdy|moin|servus|bonjour|ciao|gday|greetings|salut|"
                + "helo|hii|heya|wassup|hej|ola ?there|all"
        ),
        (.greeting, "morning|evening|afternoon ?good"),
        (.thanks, "thanks|thank|thx|ty|cheers|danke|merci|gracias|tnx|thanx|tks ?you|much|very|lot|so"),
        (.thanks, "great|nice|awesome|cool|perfect|good|excellent|wow|lovely ?job|work|bot|very"),
        (.goodbye, "bye|goodbye|exit|quit|later|cya|goodnight|tschuss|ciao ?see|you"),
        (.goodbye, "night good"),
        (.status, "fixed is ?it|now"),
        (.presence, "jarvis"),
        (.silence, "why"),
        (.help, "what|huh"),
    ]

    /// Words that say nothing about the request.
    static let fillers: Set<String> = Set(
        """
        a an the is are am be been was do does did have has had will would could can should may might to of for \
        in on at it its this that these those there here and or so but if then with from by as i me my mine we \
        us our you your please just now right ok okay well um uh hmm hm oh ah eh hey hi hello yo hallo sir dude \
        man bro mate friend buddy jarvis operator gateway bot server assistant thing things stuff some any all \
        again still yet also too very really quick quickly real fast asap urgent what which who how why when \
        where tell show give see let want need like know get got about up out go going today tonight actually \
        maybe kindly something anything everything lol omg ffs damn fuck fucking shit hell bloody goddamn wth \
        help new current currently check look print display list currently more latest last recent thanks thank \
        thx und der die das ist bitte mal mir ein eine zeig zeige die letzten por favor one ones only
        """.split(separator: " ").map(String.init))

    /// A pattern as words.
    struct Pattern: Sendable {
        var topic: OperatorTopic
        var needed: [Set<String>]
        var welcome: Set<String>
    }

    /// The patterns, read once.
    static let table: [Pattern] = patterns.map { entry in
        var pattern = Pattern(topic: entry.topic, needed: [], welcome: [])
        for group in entry.pattern.split(separator: " ") {
            if group.hasPrefix("?") {
                pattern.welcome.formUnion(group.dropFirst().split(separator: "|").map(String.init))
            } else {
                pattern.needed.append(Set(group.split(separator: "|").map(String.init)))
            }
        }
        return pattern
    }

    /// Every word of a needed group that is long enough to be recognised with a typing error, in alphabetical order.
    static let vocabulary: [String] = table.reduce(into: Set<String>()) { words, pattern in
        for group in pattern.needed { words.formUnion(group.filter { $0.count >= 4 }) }
    }.sorted()

    private static let known: Set<String> = table.reduce(into: fillers) { words, pattern in
        for group in pattern.needed { words.formUnion(group) }
        words.formUnion(pattern.welcome)
    }

    /// The word that `word` most likely was meant to be: itself when known; else the nearest word of the vocabulary
    /// with the same first letter within one edit (two from 8 letters on; at 4 letters only a swap of neighbours).
    static func corrected(_ word: String) -> String {
        guard word.count >= 4, word.count <= 20, !known.contains(word), word.contains(where: \.isLetter) else {
            return word
        }
        let letters = Array(word)
        let limit = letters.count >= 8 ? 2 : 1
        var best: (word: String, distance: Int)?
        for candidate in vocabulary where candidate.first == letters[0] {
            let other = Array(candidate)
            if letters.count == 4 || other.count == 4, letters.sorted() != other.sorted() { continue }
            let distance = EditDistance.between(letters, other, limit: limit)
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.word ?? word
    }

    /// The topic that explains `words` best, with the share of the sentence that it explains (0…1); nil when no
    /// pattern fits or less than 0.55 is explained.
    static func topic(of words: [String]) -> (topic: OperatorTopic, confidence: Double)? {
        guard !words.isEmpty, words.count <= 40 else { return nil }
        let corrected = words.map(corrected)
        let present = Set(corrected)
        var best: (topic: OperatorTopic, score: Int, confidence: Double)?
        for pattern in table {
            var explained = Set<String>()
            var fits = true
            for group in pattern.needed {
                // A word serves one group, so that "is it up" does not satisfy three groups with one "up".
                let hits = group.intersection(present).subtracting(explained)
                guard let hit = hits.sorted(by: { ($0.count, $0) > ($1.count, $1) }).first else {
                    fits = false
                    break
                }
                explained.insert(hit)
            }
            guard fits else { continue }
            for group in pattern.needed { explained.formUnion(group.intersection(present)) }
            explained.formUnion(pattern.welcome.intersection(present))
            let unexplained = corrected.filter { !explained.contains($0) && !fillers.contains($0) }.count
            let score = explained.reduce(0) { $0 + (fillers.contains($1) ? 1 : 2) }
            let confidence = Double(score) / Double(score + 2 * unexplained)
            guard confidence >= 0.55 else { continue }
            if score > best?.score ?? 0 { best = (pattern.topic, score, confidence) }
        }
        return best.map { ($0.topic, $0.confidence) }
    }
}
