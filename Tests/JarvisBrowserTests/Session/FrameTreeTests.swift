import Testing

@testable import JarvisBrowser

@Suite("The frames of a tab")
struct FrameTreeTests {
    private func tree() -> FrameTree {
        var tree = FrameTree(root: "top", session: "S")
        tree.navigated(
            "top", parent: nil, url: "http://a/", loader: "L1", unreachable: nil, restored: false, session: "S")
        tree.attached("one", parent: "top", session: "S")
        tree.attached("two", parent: "top", session: "S")
        tree.attached("deep", parent: "one", session: "S")
        return tree
    }

    @Test func framesAreListedDepthFirst() {
        #expect(tree().inOrder.map(\.id) == ["top", "one", "deep", "two"])
    }

    @Test func aNewDocumentHasNoFramesOfTheOldOne() {
        var tree = tree()
        tree.navigated(
            "top", parent: nil, url: "http://b/", loader: "L2", unreachable: nil, restored: false, session: "S")
        #expect(tree.inOrder.map(\.id) == ["top"])
        #expect(tree.nodes["top"]?.documents == 2)
        #expect(tree.nodes["top"]?.loaders == ["L1", "L2"])
    }

    @Test(arguments: [true, false])
    func aFrameMovesToAProcessOfItsOwnInEitherOrder(newProcessFirst: Bool) {
        var tree = tree()
        if newProcessFirst {
            tree.processBegan(frame: "one", session: "T", parentSession: "S")
            tree.detached("one", swap: true, session: "S")
        } else {
            tree.detached("one", swap: true, session: "S")
            tree.processBegan(frame: "one", session: "T", parentSession: "S")
        }
        #expect(tree.inOrder.map(\.id) == ["top", "one", "two"])
        #expect(tree.session(of: "one") == "T")
        tree.attached("inner", parent: "one", session: "T")
        #expect(tree.inOrder.map(\.id) == ["top", "one", "inner", "two"])
    }

    @Test func aFrameThatMovesBackKeepsItsPlace() {
        var tree = tree()
        tree.processBegan(frame: "one", session: "T", parentSession: "S")
        tree.attached("one", parent: "top", session: "S")
        let ended = tree.processEnded(session: "T")
        #expect(ended?.undecided == false)
        #expect(tree.inOrder.map(\.id) == ["top", "one", "two"])
        #expect(tree.session(of: "one") == "S")
    }

    @Test func aFrameWhoseProcessEndsIsGoneOnceTheParentHasSaidNothing() {
        var tree = tree()
        tree.processBegan(frame: "one", session: "T", parentSession: "S")
        let ended = tree.processEnded(session: "T")
        #expect(ended?.undecided == true)
        tree.confirmGone(frame: "one", session: "T")
        #expect(tree.inOrder.map(\.id) == ["top", "two"])
    }

    @Test func theOldProcessIsNotListenedToAnyMore() {
        var tree = tree()
        tree.processBegan(frame: "one", session: "T", parentSession: "S")
        tree.navigated(
            "one", parent: "top", url: "http://late/", loader: "X", unreachable: nil, restored: false, session: "S")
        tree.detached("one", swap: false, session: "S")
        #expect(tree.nodes["one"]?.url == "")
        #expect(tree.session(of: "one") == "T")
    }

    @Test func eventsWinOverAnOlderAnswer() {
        var tree = FrameTree(root: "top", session: "S")
        tree.treeAsked(session: "S")
        tree.navigated(
            "top", parent: nil, url: "http://new/", loader: "L2", unreachable: nil, restored: false, session: "S")
        tree.detached("gone", swap: false, session: "S")
        var top = FrameTree.Node(id: "top", session: "S")
        top.url = "http://old/"
        top.loader = "L1"
        let told = [
            top, FrameTree.Node(id: "gone", parent: "top", session: "S"),
            FrameTree.Node(id: "there", parent: "top", session: "S"),
        ]
        tree.treeTold(told, session: "S")
        #expect(tree.nodes["top"]?.url == "http://new/")
        #expect(tree.inOrder.map(\.id) == ["top", "there"])
    }

    @Test func stepsThatAreReportedBeforeTheirDocumentCount() {
        var tree = tree()
        tree.reached(.load, frame: "top", loader: "L2")
        #expect(tree.nodes["top"]?.step == .commit)
        tree.navigated(
            "top", parent: nil, url: "http://b/", loader: "L2", unreachable: nil, restored: false, session: "S")
        #expect(tree.nodes["top"]?.step == .load)
        tree.navigated(
            "top", parent: nil, url: "http://c/", loader: "L3", unreachable: nil, restored: true, session: "S")
        #expect(tree.nodes["top"]?.step == .load, "a document from the cache of pages is whole")
    }

    @Test func earlyStepsAreBounded() {
        var tree = tree()
        for number in 0..<1000 { tree.reached(.load, frame: "top", loader: "never \(number)") }
        #expect((tree.nodes["top"]?.early.count ?? 0) <= 8)
    }
}
