import Testing

@testable import JarvisBrowser

@Suite struct SnapshotTreeTests {
    private func node(_ depth: Int, _ role: String, _ name: String = "", number: Int = 0) -> SnapshotNode {
        SnapshotNode(depth: depth, role: role, name: name, number: number)
    }

    private func shape(_ tree: SnapshotTree) -> [String] {
        tree.nodes.map { "\($0.depth) \($0.role)\($0.name.isEmpty ? "" : " \($0.name)")" }
    }

    @Test func rowsOfThePageScriptBecomeNodes() throws {
        let nodes = try SnapshotNode.nodes(
            rows: #"[[0,"main",""],[1,"checkbox","Agree",7,"checked disabled","","",1],[1,"text","Hi"],["bad"]]"#,
            frame: "F")
        #expect(nodes.map(\.role) == ["main", "checkbox", "text"])
        #expect(nodes[1].states == ["checked", "disabled"])
        #expect(nodes[1].isOperable && nodes[1].number == 7 && nodes[1].frame == "F")
    }

    @Test func contentOfFramesStandsBelowTheirElements() {
        let tree = SnapshotTree(
            root: "A",
            documents: [
                "A": [node(0, "main"), node(1, "iframe", number: 3), node(0, "text", "end")],
                "B": [node(0, "iframe", number: 9), node(0, "button", "In", number: 1)],
                "C": [node(0, "heading", "Deep")],
            ],
            shows: [FrameOwner(frame: "A", number: 3): "B", FrameOwner(frame: "B", number: 9): "C"])
        #expect(shape(tree) == ["0 main", "1 iframe", "2 iframe", "3 heading Deep", "2 button In", "0 text end"])
    }

    @Test func framesThatShowEachOtherEnd() {
        let tree = SnapshotTree(
            root: "A", documents: ["A": [node(0, "iframe", number: 1)]],
            shows: [FrameOwner(frame: "A", number: 1): "A"])
        #expect(tree.nodes.count == 1)
    }

    @Test func compactLeavesOutWhatSaysNothing() {
        let tree = SnapshotTree([
            node(0, "generic"), node(1, "generic"), node(2, "button", "Save", number: 1), node(1, "list"),
            node(2, "listitem"), node(1, "paragraph"), node(2, "text", "Hello"), node(0, "list"), node(1, "listitem"),
            node(2, "link", "A", number: 2),
        ]).compacted()
        #expect(shape(tree) == ["0 button Save", "0 text Hello", "0 list", "1 listitem", "2 link A"])
    }

    @Test func depthAndCountSayWhatTheyDrop() {
        let tree = SnapshotTree([node(0, "main"), node(1, "list"), node(2, "listitem"), node(3, "text", "x")])
        let (flat, deeper) = tree.limited(depth: 1)
        #expect(shape(flat) == ["0 main", "1 list"] && deeper == 2)
        let (short, beyond) = tree.limited(count: 3)
        #expect(short.nodes.count == 3 && beyond == 1)
        #expect(tree.limited(count: 9).dropped == 0)
    }

    @Test func thoseThatLookAlikeAreCounted() {
        var tree = SnapshotTree([
            node(0, "button", "Buy", number: 1), node(0, "button", "Sell", number: 2),
            node(0, "button", "Buy", number: 3),
        ])
        tree.countDuplicates()
        #expect(tree.nodes.map(\.nth) == [0, nil, 1])
        #expect(tree.nodes[2].total == 2)
    }
}
