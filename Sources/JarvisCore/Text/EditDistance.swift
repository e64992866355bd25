/// How far two words are apart; for suggestions.
public enum EditDistance {
    /// The letters to insert, delete, replace or swap with their neighbour to turn `left` into `right`. Any number above
    /// `limit` means “more than `limit`”.
    public static func between(_ left: String, _ right: String, limit: Int = .max) -> Int {
        between(Array(left), Array(right), limit: limit)
    }

    /// The same for words that are already split into letters.
    public static func between(_ left: [Character], _ right: [Character], limit: Int = .max) -> Int {
        if abs(left.count - right.count) > limit { return abs(left.count - right.count) }
        var before: [Int] = []
        var previous = Array(0...right.count)
        for i in 0..<left.count {
            var current = [i + 1]
            current.reserveCapacity(right.count + 1)
            for j in 0..<right.count {
                let cost = left[i] == right[j] ? 0 : 1
                var best = min(previous[j + 1] + 1, current[j] + 1, previous[j] + cost)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    best = min(best, before[j - 1] + 1)
                }
                current.append(best)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
