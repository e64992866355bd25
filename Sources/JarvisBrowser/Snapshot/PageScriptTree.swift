extension PageScript {
    /// Reads the document into a flat list of nodes, see `SnapshotNode`.
    static let tree = #"""
          const referable = new Set(('alert alertdialog article cell columnheader dialog form grid gridcell heading img ' +
            'listitem main navigation region row rowheader table tabpanel search group banner contentinfo ' +
            'complementary figure object status').split(' '));
          const deepest = 1200, mostOptions = 20, mostSuspects = 200;

          // options: all (number every element), interactive (only what can be operated), budget (characters),
          // nodes (most nodes), describe, text (longest run of text), time (ms)
          class Reader {
            constructor(options) {
              this.options = options;
              this.left = options.budget;
              this.nodesLeft = options.nodes;
              this.until = performance.now() + options.time;
              this.visited = 0;
              this.cut = false;
              this.tooDeep = false;
              this.suspects = [];
              this.owned = new Set();
              let active = document.activeElement;
              while (active && shadowOf(active)?.activeElement) active = shadowOf(active).activeElement;
              this.active = active === document.body ? null : active;
              for (const owner of document.querySelectorAll('[aria-owns]'))
                for (const el of referenced(owner, 'aria-owns')) this.owned.add(el);
            }

            spend(amount) {
              this.left -= amount;
              if (this.left < 0 || (this.visited % 64 === 0 && performance.now() > this.until)) this.cut = true;
            }

            children(el, out, state) {
              for (const child of childrenOf(el)) {
                if (this.cut) return;
                this.visit(child, out, state);
              }
              for (const owned of referenced(el, 'aria-owns')) if (!state.trail?.includes(owned))
                this.visit(owned, out, {...state, trail: [...(state.trail ?? []), owned]});
            }

            visit(node, out, state) {
              if (node.nodeType === 3) {
                if (this.options.interactive || state.silent || state.hidden) return;
                const data = node.data;
                if (data) { out.push(data); this.spend(Math.min(data.length, this.options.text)); }
                return;
              }
              if (node.nodeType !== 1) return;
              const el = node, tag = el.localName;
              if (unrendered.has(tag)) return;
              if (this.owned.has(el) && !state.trail?.includes(el)) return;
              if (el.getAttribute('aria-hidden') === 'true') return;
              this.visited++;
              // Said already: as the name of the table or the group around it.
              if (state.named && (tag === 'caption' || tag === 'legend' || tag === 'figcaption') && squeeze(el.textContent) === state.named) return;
              const rendered = rendering(el);
              if (rendered === 0) return;
              if (state.depth > deepest) { this.tooDeep = true; return; }
              if (tag === 'br') { out.push(' '); return; }
              if (this.suspects.length < mostSuspects && maySecretlyHost(el)) this.suspects.push(el);
              const role = roleOf(el);
              const next = {...state, depth: state.depth + 1, hidden: rendered === 1};
              if (rendered === 1) return this.children(el, out, next);
              if (role === 'presentation' || role === 'none') {
                if (tag !== 'svg') this.flow(el, out, next);
                return;
              }
              if (role === 'generic') return this.generic(el, out, next);
              this.semantic(el, role, out, next);
            }

            // Children in place of the element; a block keeps its text apart from its neighbours'.
            flow(el, out, state) {
              if (inline.has(el.localName)) return this.children(el, out, state);
              out.push(null);
              this.children(el, out, state);
              out.push(null);
            }

            generic(el, out, state) {
              const pointer = state.operable ? state.pointer : getComputedStyle(el).cursor === 'pointer';
              const labels = el.localName === 'label' && el.control && rendering(el.control) === 2;
              const operable = !state.operable && !labels && ((pointer && !state.pointer)
                || el.hasAttribute('onclick') || Number(el.getAttribute('tabindex') ?? -1) >= 0);
              const next = {...state, pointer, operable: state.operable || operable};
              // The text of a label is the name of its field.
              if (labels && !el.control.hasAttribute('aria-label') && !el.control.hasAttribute('aria-labelledby')) next.silent = true;
              const kids = [];
              if (operable) {
                const node = {r: 'generic', n: '', s: pointer ? 'cursor=pointer' : '', i: numberOf(el), k: kids, o: 1};
                if (el === this.active) node.s += ' active';
                if (this.options.interactive) node.n = clip(squeeze(nameOf(el, 'button')), 120);
                else node.n = squeeze(el.getAttribute('aria-label') ?? el.getAttribute('title') ?? '').slice(0, longestName);
                this.spend(20 + node.n.length);
                this.children(el, kids, next);
                if (node.n || kids.some(kid => kid && (typeof kid !== 'string' || kid.trim())) || hasBox(el)) out.push(node);
                return;
              }
              if (this.options.interactive || inline.has(el.localName)) return this.flow(el, out, next);
              this.children(el, kids, next);
              const tidy = this.tidy(kids);
              const named = squeeze(el.getAttribute('aria-label') ?? '');
              if (tidy.length > 1 || named || (this.options.all && tidy.some(kid => typeof kid === 'string'))) {
                const node = {r: 'generic', n: named.slice(0, longestName), s: '', k: tidy};
                if (this.options.all) node.i = numberOf(el);
                out.push(node);
              } else out.push(null, ...tidy, null);
            }

            semantic(el, role, out, state) {
              const {options} = this, operable = interactive.has(role);
              if (options.interactive && !operable && !containers.has(role)) {
                const lone = !state.operable && (Number(el.getAttribute('tabindex') ?? -1) >= 0 || el.hasAttribute('onclick'));
                if (!lone) return this.flow(el, out, state);
              }
              const name = clip(squeeze(role === 'row' ? nameOf(el, 'none') : nameOf(el, role)), longestName);
              const kids = [], node = {r: role, n: name, s: statesOf(el, role, this.active), k: kids};
              if (options.all || operable || options.interactive || referable.has(role) || containers.has(role)) node.i = numberOf(el);
              if (operable) node.o = 1;
              const value = valueOf(el, role);
              if (value) node.v = clip(value, 600);
              if (role === 'link' && el.href) node.u = clip(typeof el.href === 'string' ? el.getAttribute('href') : el.href.baseVal, 300);
              if (options.describe) { const text = descriptionOf(el); if (text && text !== name) node.d = text; }
              this.spend(12 + role.length + name.length + node.s.length + (node.v?.length ?? 0) + (node.u?.length ?? 0));
              out.push(node);
              const next = {...state, operable: state.operable || operable && role !== 'listbox', pointer: state.pointer, named: name};
              if (el.localName === 'details' && !el.open) return this.visit(el.querySelector(':scope > summary') ?? el.firstChild, kids, next);
              if (el.localName === 'select') return this.choices(el, kids);
              if (role === 'iframe' || role === 'textbox' && node.v || role === 'img' || role === 'video' || role === 'audio') return;
              if (namedByContent.has(role) && this.plain(el)) {
                // Named by the text in it and nothing but text in it: the name has said it all.
                if (squeeze(el.textContent) === name || !squeeze(el.textContent)) return;
              }
              this.children(el, kids, next);
              node.k = this.tidy(kids);
              if (namedByContent.has(role)) node.k = this.unsaid(node.k, name);
            }

            plain(el) { return !el.firstElementChild && !shadowOf(el); }

            // What the name of the element around has not said yet.
            unsaid(kids, name) {
              return kids.flatMap(kid => {
                if (typeof kid === 'string') return name.includes(kid.slice(0, 300)) ? [] : [kid];
                if (kid.o || kid.r === 'iframe') return [kid];
                const inner = this.unsaid(kid.k, name);
                if (kid.r === 'generic' || kid.r === 'paragraph') return inner;
                if (kid.r === 'img' && (!kid.n || name.includes(kid.n)) && !inner.length) return [];
                kid.k = inner;
                return [kid];
              });
            }

            choices(el, kids) {
              const options = [...el.options], most = this.options.interactive ? mostOptions / 2 : mostOptions;
              const first = options.slice(0, most), chosen = options.slice(most).filter(o => o.selected).slice(0, 5);
              for (const option of [...first, ...chosen]) {
                const name = clip(squeeze(option.label || option.text), 120);
                kids.push({r: 'option', n: name, s: statesOf(option, 'option', null), k: []});
                this.spend(14 + name.length);
              }
              const more = options.length - first.length - chosen.length;
              if (more > 0) kids.push('… ' + more + ' more options');
            }

            // Joins text that runs on, drops what is empty.
            tidy(kids) {
              const out = [];
              let run = '';
              const end = () => {
                const text = clip(squeeze(run), this.options.text);
                if (text) out.push(text);
                run = '';
              };
              for (const kid of kids) {
                if (typeof kid === 'string') run += kid;
                else { end(); if (kid) out.push(kid); }
              }
              end();
              return out;
            }

            flatten(kids, depth, rows) {
              for (const kid of this.tidy(kids)) {
                if (rows.length >= this.nodesLeft) { this.cut = true; return; }
                if (typeof kid === 'string') { rows.push([depth, 'text', kid]); continue; }
                const row = [depth, kid.r, kid.n, kid.i ?? 0, kid.s.trim(), kid.v ?? '', kid.u ?? '', kid.o ?? 0, kid.d ?? ''];
                while (row.length > 3 && !row[row.length - 1]) row.pop();
                rows.push(row);
                this.flatten(kid.k, depth + 1, rows);
              }
            }
          }

          // Reads the whole document, or what is below the first match of `options.selector` or element
          // `options.root`. `suspects` are elements that may have a closed shadow root.
          K.read = options => {
            let root = document.body ?? document.documentElement;
            if (options.selector) {
              let found;
              try { found = queryAll(options.selector, document, 1)[0]; }
              catch (error) { return {error: String(error.message ?? error)}; }
              if (!found) return {none: true};
              root = found;
            }
            const before = held;
            if (options.fresh) held = new Map();
            const reader = new Reader(options), top = [], rows = [];
            try {
              if (root === document.body && roleOf(root) === 'generic') reader.children(root, top, {depth: 0});
              else if (root) reader.visit(root, top, {depth: 0});
              reader.flatten(top, 0, rows);
            } catch (error) {
              if (!(error instanceof RangeError)) throw error;
              reader.cut = true;
              reader.flatten(top, 0, rows);
            }
            K.suspects = reader.suspects;
            // Kept for one reading so that numbers stay the same even where the page keeps no reference of its own.
            K.before = before;
            return {token: K.token, url: location.href, title: document.title, rows: JSON.stringify(rows),
              cut: reader.cut || reader.tooDeep, visited: reader.visited, total: document.getElementsByTagName('*').length,
              suspects: reader.suspects.length};
          };

          K.learnSuspects = () => { for (const el of K.suspects ?? []) probed.add(el); };
          K.learnRoots = (...pairs) => { for (let i = 0; i + 1 < pairs.length; i += 2) K.learn(pairs[i], pairs[i + 1]); };

          // The element of `number`; when it has left the document, the one that stands where it stood: the same
          // role and name, the same place among `total` of its kind.
          K.find = (number, again) => {
            const el = held.get(number);
            if (!el) return null;
            if (el.isConnected) return el;
            if (!again) return null;
            const kept = held;
            const reader = new Reader({all: true, budget: 1e9, nodes: 1e6, text: 100, time: 3000}), top = [];
            const alike = [];
            const search = kids => {
              for (const kid of kids) if (kid && typeof kid !== 'string') {
                if (kid.r === again.role && kid.n === again.name) alike.push(held.get(kid.i));
                search(kid.k);
              }
            };
            held = new Map(kept);
            try {
              if (document.body) reader.children(document.body, top, {depth: 0});
              search(top);
            } finally { held = kept; }
            if (reader.cut || reader.tooDeep || alike.length !== again.total) return null;
            const found = alike[again.nth];
            if (found) { held.set(number, found); numbers.set(found, number); }
            return found ?? null;
          };
        """#
}
