/// The script of ours that lives in each frame, in a world that the page can't see. It reads the page and prepares
/// actions; input itself is always sent by the browser, so that a page sees what a user would cause.
///
/// Reading a page this way takes a tenth of the time of the browser's accessibility tree, whose answer for 5,000
/// elements is 7 MB; `docs/decisions` has the figures.
enum PageScript {
    /// A function declaration that puts the script into a world that has none yet; returns its token.
    static let install = """
        function() {
          if (globalThis.__jarvis) return globalThis.__jarvis.token;
          const K = globalThis.__jarvis = {
            token: Array.from(crypto.getRandomValues(new Uint32Array(3)), n => n.toString(36)).join('')
          };
        \(dom)
        \(roles)
        \(names)
        \(tree)
        \(ready)
        \(edit)
          return K.token;
        }
        """

    /// Calls a member of the script by name. Answers `{absent: true}` where the script is missing, or another
    /// document has come that has another token than the one that was meant.
    static let invoke = """
        function(token, name, ...rest) {
          const K = globalThis.__jarvis;
          return K && (!token || K.token === token) ? K[name](...rest) : {absent: true};
        }
        """

    /// Gives elements by their numbers, for use by reference.
    static let elements = "function(numbers) { return numbers.map(n => globalThis.__jarvis.element(n)); }"

    /// Numbers of elements, closed shadow roots, the flat tree, and what is rendered.
    static let dom = #"""
          const numbers = new WeakMap(), closedRoots = new WeakMap(), probed = new WeakSet();
          let held = new Map(), lastNumber = 0;

          // The number of an element stays the same as long as its document lives. Only the elements of the newest
          // reading are held; others may be collected.
          const numberOf = el => {
            let number = numbers.get(el);
            if (!number) { number = ++lastNumber; numbers.set(el, number); }
            held.set(number, el);
            return number;
          };
          K.number = numberOf;
          K.element = number => held.get(number) ?? null;

          // A closed shadow root can't be found from inside the page: the browser looks at the suspects and hands the
          // roots in.
          K.learn = (host, root) => { if (root) closedRoots.set(host, root); probed.add(host); };
          const shadowOf = el => el.shadowRoot ?? closedRoots.get(el) ?? null;

          const childrenOf = el => {
            const root = shadowOf(el);
            if (root) return root.childNodes;
            if (el.localName === 'slot') {
              const given = el.assignedNodes();
              if (given.length) return given;
            }
            return el.childNodes;
          };
          const parentOf = node => {
            if (node.assignedSlot) return node.assignedSlot;
            if (node.parentElement) return node.parentElement;
            const root = node.getRootNode();
            return root instanceof ShadowRoot ? root.host : null;
          };

          const unrendered = new Set(['script', 'style', 'noscript', 'template', 'meta', 'link', 'head', 'title',
            'base', 'param', 'source', 'track', 'datalist', 'defs', 'clipPath', 'desc', 'metadata']);
          // 0: not rendered with all below it, 1: itself not visible but perhaps what is below, 2: visible.
          const rendering = el => {
            if (el.checkVisibility({visibilityProperty: true})) return 2;
            if (el.checkVisibility()) return 1;
            if (el.localName === 'area' || el.localName === 'map') return 2;
            return getComputedStyle(el).display === 'contents' ? 2 : 0;
          };
          const hasBox = el => {
            const box = el.getBoundingClientRect();
            return box.width > 0 && box.height > 0;
          };

          const hostable = new Set(['article', 'aside', 'blockquote', 'body', 'div', 'footer', 'h1', 'h2', 'h3', 'h4',
            'h5', 'h6', 'header', 'main', 'nav', 'p', 'section', 'span']);
          const maySecretlyHost = el => {
            if (probed.has(el) || el.shadowRoot) return false;
            if (el.localName.includes('-')) return el.matches(':defined');
            return hostable.has(el.localName) && !el.firstElementChild && !el.textContent.trim() && hasBox(el);
          };

          const squeeze = text => text.replace(/[\s\u200b]+/g, ' ').trim();
          const clip = (text, most) => text.length <= most ? text
            : text.slice(0, most).replace(/[\ud800-\udbff]$/, '') + '… (' + (text.length - most) + ' more)';

          // All elements that match, also inside shadow roots; the document's own matches come first.
          const queryAll = (selector, root, most) => {
            const found = [...root.querySelectorAll(selector)];
            if (found.length >= most) return found;
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
            for (let el = walker.nextNode(); el && found.length < most; el = walker.nextNode()) {
              const inner = shadowOf(el);
              if (inner) found.push(...queryAll(selector, inner, most - found.length));
            }
            return found;
          };
          K.first = selector => {
            let found;
            try { found = queryAll(selector, document, 1)[0]; }
            catch (error) { return {error: String(error.message ?? error)}; }
            return found ? {number: numberOf(found), token: K.token} : {none: true};
          };
        """#
}
