/// What is put into every page of the canvas: live reload, and the bridge by which the control page has script run in
/// the page's sandbox and pictures taken of it.
///
/// The bridge listens to the page that frames it and to nobody else; who may frame it says `frame-ancestors`.
enum CanvasSnippet {
    /// The page with the snippet in it, behind the doctype so that nothing in the page can swallow it.
    ///
    /// - Parameters:
    ///   - reload: the path of the socket that announces changes; nil for none.
    ///   - version: see `CanvasScene.version`.
    static func inject(into page: [UInt8], reload: String?, version: Int) -> [UInt8] {
        // The path is percent-encoded, and hexadecimal digits are all that a capability has.
        let socket = reload.map { "\"\($0)\"" } ?? "null"
        let script = "<script>(\(bridge))(\(socket), \(version))</script>\n"
        let place = end(ofDoctype: page)
        return Array(page[..<place]) + Array(script.utf8) + Array(page[place...])
    }

    /// Where the document type ends; 0 when the page has none.
    private static func end(ofDoctype page: [UInt8]) -> Int {
        var index = page.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while index < page.count {
            if [0x20, 0x09, 0x0A, 0x0C, 0x0D].contains(page[index]) {
                index += 1
            } else if page[index...].starts(with: "<!--".utf8) {
                guard let end = find("-->", in: page, from: index + 4) else { return 0 }
                index = end
            } else {
                break
            }
        }
        let word = String(decoding: page[index...].prefix(9), as: UTF8.self).lowercased()
        guard word == "<!doctype", let end = find(">", in: page, from: index) else { return 0 }
        return end
    }

    private static func find(_ text: String, in bytes: [UInt8], from start: Int) -> Int? {
        let pattern = Array(text.utf8)
        guard bytes.count >= pattern.count, start <= bytes.count - pattern.count else { return nil }
        return (start...(bytes.count - pattern.count)).first { bytes[$0...].starts(with: pattern) }
            .map { $0 + pattern.count }
    }

    /// A function of the socket's path and the version. It must not contain the end tag of a script.
    private static let bridge = #"""
        ((socket, version) => {
          if (window.__jarvisCanvas) return;
          Object.defineProperty(window, "__jarvisCanvas", { value: 1 });
          const limit = 65536, top = window.parent, framed = top !== window;
          const tell = (message) => framed && top.postMessage({ jarvisCanvas: 1, ...message }, "*");
          if (socket) {
            let wait = 500, failures = 0;
            const open = () => {
              const live = new WebSocket(location.protocol.replace("http", "ws") + "//" + location.host + socket);
              live.onopen = () => { wait = 500; failures = 0; };
              live.onmessage = (event) => event.data === "reload" && location.reload();
              live.onclose = (event) => {
                if (event.code === 4001 || (framed && ++failures > 5)) return tell({ type: "expired" });
                setTimeout(open, wait);
                wait = Math.min(wait * 2, 30000);
              };
            };
            open();
          }
          if (!framed) return;
          const show = (value) => {
            let text;
            try { text = JSON.stringify(value === undefined ? null : value); } catch { text = undefined; }
            if (text === undefined) text = JSON.stringify(String(value));
            return text.length > limit ? JSON.stringify(text.slice(0, limit) + " … cut, " + text.length + " characters") : text;
          };
          const why = (error) => {
            const place = /<anonymous>:(\d+:\d+)/.exec((error && error.stack) || "");
            return (String(error) + (place ? " (at " + place[1] + ")" : "")).slice(0, 4000);
          };
          const run = async (code) => {
            try { return await (0, eval)(code); } catch (error) {
              if (!(error instanceof SyntaxError)) throw error;
              return await new (Object.getPrototypeOf(async () => {}).constructor)(code)();
            }
          };
          const data = async (url) => {
            const body = await (await fetch(url)).blob();
            return await new Promise((good, bad) => {
              const reader = new FileReader();
              reader.onload = () => good(reader.result);
              reader.onerror = bad;
              reader.readAsDataURL(body);
            });
          };
          const inlined = async (css, base) => {
            const found = [...new Set([...css.matchAll(/url\(\s*["']?(?!data:|#)([^"')]+)["']?\s*\)/g)].map((match) => match[1]))];
            for (const name of found.slice(0, 32)) {
              try { css = css.replaceAll(name, await data(new URL(name, base))); } catch { /* stays as it is */ }
            }
            return css;
          };
          const picture = async ({ format, quality, maxWidth }) => {
            const width = Math.max(1, document.documentElement.clientWidth), height = Math.max(1, window.innerHeight);
            const copy = document.documentElement.cloneNode(true);
            const originals = [...document.documentElement.querySelectorAll("*")];
            const copies = [...copy.querySelectorAll("*")];
            for (const [index, node] of originals.entries()) {
              const twin = copies[index];
              if (node instanceof HTMLCanvasElement || node instanceof HTMLImageElement) {
                const image = document.createElement("img");
                for (const { name, value } of node.attributes) if (name !== "src" && name !== "srcset") image.setAttribute(name, value);
                const box = node.getBoundingClientRect();
                image.style.width = box.width + "px";
                image.style.height = box.height + "px";
                try { image.src = node instanceof HTMLCanvasElement ? node.toDataURL() : await data(node.currentSrc || node.src); } catch { continue; }
                twin.replaceWith(image);
              } else if (node instanceof HTMLInputElement) {
                twin.setAttribute("value", node.value);
                node.checked ? twin.setAttribute("checked", "") : twin.removeAttribute("checked");
              } else if (node instanceof HTMLTextAreaElement) twin.textContent = node.value;
              else if (node instanceof HTMLOptionElement) node.selected ? twin.setAttribute("selected", "") : twin.removeAttribute("selected");
              else if (node instanceof HTMLStyleElement) twin.textContent = await inlined(node.textContent, document.baseURI);
              else if (node instanceof HTMLLinkElement && node.rel === "stylesheet" && node.href) {
                const style = document.createElement("style");
                try { style.textContent = await inlined(await (await fetch(node.href)).text(), node.href); twin.replaceWith(style); } catch { /* without it */ }
              }
            }
            for (const node of copy.querySelectorAll("script, iframe, video, audio, object, embed, base, meta, link")) node.remove();
            const ground = [document.body, document.documentElement].map((node) => node && getComputedStyle(node).backgroundColor)
              .find((colour) => colour && colour !== "rgba(0, 0, 0, 0)") || (matchMedia("(prefers-color-scheme: dark)").matches && getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "#121212" : "#fff");
            copy.setAttribute("xmlns", "http://www.w3.org/1999/xhtml");
            copy.style.display = "block";
            copy.style.minHeight = height + "px";
            copy.style.transform = "translate(" + -window.scrollX + "px," + -window.scrollY + "px)";
            const body = copy.querySelector("body");
            if (body) body.style.display ||= getComputedStyle(document.body).display;
            const inherited = getComputedStyle(document.documentElement);
            copy.style.font ||= inherited.font;
            copy.style.color ||= inherited.color;
            const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><foreignObject width="100%" height="100%">${new XMLSerializer().serializeToString(copy)}</foreignObject></svg>`;
            const image = new Image();
            image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
            await image.decode();
            const scale = Math.min(1, maxWidth / width);
            const sheet = document.createElement("canvas");
            sheet.width = Math.max(1, Math.round(width * scale));
            sheet.height = Math.max(1, Math.round(height * scale));
            const pen = sheet.getContext("2d");
            pen.fillStyle = ground;
            pen.fillRect(0, 0, sheet.width, sheet.height);
            pen.drawImage(image, 0, 0, sheet.width, sheet.height);
            const url = sheet.toDataURL("image/" + format, quality / 100);
            return { base64: url.slice(url.indexOf(",") + 1), width: sheet.width, height: sheet.height };
          };
          window.addEventListener("message", async (event) => {
            const ask = event.data;
            if (event.source !== top || !ask || ask.jarvisCanvas !== 1 || typeof ask.id !== "string") return;
            event.stopImmediatePropagation();
            try {
              if (ask.kind === "evaluate") tell({ type: "answer", id: ask.id, ok: true, result: show(await run(ask.code)) });
              else if (ask.kind === "snapshot") tell({ type: "answer", id: ask.id, ok: true, picture: await picture(ask) });
            } catch (error) {
              tell({ type: "answer", id: ask.id, ok: false, error: why(error) });
            }
          }, true);
          window.addEventListener("error", (event) => tell({ type: "error", text: String(event.message).slice(0, 500) }));
          document.addEventListener("DOMContentLoaded", () => tell({ type: "ready", version, title: document.title.slice(0, 200) }));
        })
        """#
}
