extension PageScript {
    /// Whether an element can take input now, and where.
    static let ready = #"""
          const frameTick = () => new Promise(done => {
            // A tab in the background paints nothing: time goes on there as well.
            const timer = setTimeout(done, 120);
            requestAnimationFrame(() => { clearTimeout(timer); done(); });
          });
          const boxOf = el => {
            let box = el.getBoundingClientRect();
            if (el.localName === 'area') {
              const image = document.querySelector('img[usemap="#' + CSS.escape(el.closest('map')?.name ?? '') + '"]');
              const at = image?.getBoundingClientRect(), c = el.coords.split(',').map(Number);
              if (at && c.length >= 3) {
                const shape = el.shape === 'circle' ? [c[0] - c[2], c[1] - c[2], c[0] + c[2], c[1] + c[2]]
                  : [Math.min(...c.filter((_, i) => i % 2 === 0)), Math.min(...c.filter((_, i) => i % 2)),
                    Math.max(...c.filter((_, i) => i % 2 === 0)), Math.max(...c.filter((_, i) => i % 2))];
                box = new DOMRect(at.x + shape[0], at.y + shape[1], shape[2] - shape[0], shape[3] - shape[1]);
              }
            }
            // An element without a box of its own is where its content is.
            if ((!box.width || !box.height) && getComputedStyle(el).display === 'contents') {
              const content = document.createRange();
              content.selectNodeContents(el);
              return content.getBoundingClientRect();
            }
            return box;
          };
          const shownTag = el => {
            const text = clip(squeeze(el.textContent ?? ''), 40);
            const at = ['id', 'class', 'role', 'aria-label', 'name'].map(name => [name, el.getAttribute(name)])
              .filter(([, value]) => value).map(([name, value]) => ' ' + name + '="' + clip(squeeze(value), 40) + '"').join('');
            return '<' + el.localName + at + '>' + (text ? ' "' + text + '"' : '');
          };
          K.present = (number, again) => K.find(number, again) ? {}
            : {gone: held.has(number) ? 'has left the page' : 'is not known in this page'};
          K.describe = number => { const el = held.get(number); return el ? shownTag(el) : ''; };

          const seen = el => {
            if (el.localName === 'option' || el.localName === 'optgroup') return 'is a choice of a <select>: use kind "select" on it';
            if (rendering(el) === 0) return 'is not rendered (display: none)';
            if (rendering(el) === 1) return 'is hidden (visibility: hidden)';
            const box = boxOf(el);
            return box.width > 0 && box.height > 0 ? null : 'has no size (' + box.width + '×' + box.height + ')';
          };

          const scrollers = el => {
            const found = [];
            for (let at = parentOf(el); at; at = parentOf(at)) {
              if (at === document.body || at === document.documentElement) continue;
              const style = getComputedStyle(at);
              if (/(auto|scroll|hidden|clip|overlay)/.test(style.overflowX + style.overflowY)) found.push(at);
            }
            return found;
          };
          const viewport = () => ({left: 0, top: 0, right: document.documentElement.clientWidth || innerWidth,
            bottom: Math.max(document.documentElement.clientHeight, 0) && Math.min(innerHeight, document.compatMode === 'BackCompat'
              ? innerHeight : document.documentElement.clientHeight) || innerHeight});
          // What of `box` can be seen between all containers that clip it.
          const visiblePart = (el, box) => {
            let {left, top, right, bottom} = box;
            for (const at of [...scrollers(el).map(s => s.getBoundingClientRect()), viewport()]) {
              left = Math.max(left, at.left); top = Math.max(top, at.top);
              right = Math.min(right, at.right); bottom = Math.min(bottom, at.bottom);
            }
            return right - left > 0.5 && bottom - top > 0.5 ? {left, top, right, bottom} : null;
          };
          // Scrolls every container, from the innermost out, until a point of `el` lies in the viewport.
          const bring = (el, pointOf) => {
            for (const at of scrollers(el)) {
              const style = getComputedStyle(at), frame = at.getBoundingClientRect(), point = pointOf();
              if (!/(auto|scroll|hidden|overlay)/.test(style.overflowX + style.overflowY)) continue;
              if (point.y < frame.top || point.y > frame.bottom) at.scrollTop += point.y - (frame.top + frame.height / 2);
              if (point.x < frame.left || point.x > frame.right) at.scrollLeft += point.x - (frame.left + frame.width / 2);
            }
            const point = pointOf(), view = viewport();
            const dx = point.x < view.left || point.x > view.right ? point.x - view.right / 2 : 0;
            const dy = point.y < view.top || point.y > view.bottom ? point.y - view.bottom / 2 : 0;
            if (dx || dy) window.scrollBy({left: dx, top: dy, behavior: 'instant'});
          };

          // What gets the input at a point: null when that is `el` or something inside it, else the element in the way.
          const inTheWay = (el, x, y) => {
            const roots = [];
            for (let root = el.getRootNode(); ; root = root.host.getRootNode()) {
              roots.unshift(root);
              if (!(root instanceof ShadowRoot)) break;
            }
            let hit = null;
            for (let i = 0; i < roots.length; i++) {
              const found = roots[i].elementFromPoint(x, y);
              if (!found) break;
              hit = found;
              if (i + 1 < roots.length && hit !== roots[i + 1].host) break;
            }
            if (!hit) return document.documentElement;
            for (let at = hit; at; at = parentOf(at)) {
              if (at === el) return null;
              if (at.localName === 'label' && at.control === el) return null;
            }
            if (el.localName === 'area' && hit.localName === 'img' && hit.useMap) return null;
            // Content of a closed shadow root that this script never saw belongs to its host.
            return hit === el ? null : hit;
          };

          // Where elements can be seen in this frame's viewport: [x, y, width, height], null for the rest.
          K.boxes = list => list.map(number => {
            const el = held.get(number);
            if (!el?.isConnected || rendering(el) !== 2) return null;
            const part = visiblePart(el, boxOf(el));
            return part && [part.left, part.top, part.right - part.left, part.bottom - part.top];
          });

          // Whether something runs that may move `el`: what has just begun shows in the second frame after this one.
          const moves = el => {
            if (document.getAnimations().some(one => one.playState === 'running')) return true;
            for (let root = el.getRootNode(); root instanceof ShadowRoot; root = root.host.getRootNode())
              if (root.getAnimations().some(one => one.playState === 'running')) return true;
            return false;
          };
          // Whether it is in the next frame where it was in this one.
          K.rests = async (number, box, again) => {
            await frameTick();
            const el = K.find(number, again);
            if (!el) return false;
            const now = boxOf(el);
            return now.x === box[0] && now.y === box[1] && now.width === box[2] && now.height === box[3];
          };

          // One try. `want`: visible, stable (or calm), enabled, editable, hit. Answers where to put the mouse in this frame's
          // viewport, or `{gone}`, or `{wait: what is missing}`.
          K.ready = async (number, want, again, round, place) => {
            let el = K.find(number, again);
            if (!el) return {gone: held.has(number) ? 'has left the page' : 'is not known in this page'};
            if (want.includes('visible')) {
              const missing = seen(el);
              if (missing) return missing.startsWith('is a choice') ? {wrong: missing} : {wait: missing, what: shownTag(el)};
            }
            if (want.includes('enabled') && isDisabled(el)) return {wait: 'is disabled', what: shownTag(el)};
            if (want.includes('editable') && (el.readOnly === true || el.getAttribute('aria-readonly') === 'true'))
              return {wait: 'is read-only', what: shownTag(el)};
            if (want.includes('scroll') || want.includes('hit')) {
              // A header that sticks to an edge may cover what was scrolled there: later tries choose another edge.
              const edges = [null, 'center', 'end', 'start'], edge = edges[round % edges.length];
              if (edge && want.includes('hit')) el.scrollIntoView({block: edge, inline: 'nearest', behavior: 'instant'});
              else el.scrollIntoViewIfNeeded ? el.scrollIntoViewIfNeeded(true) : el.scrollIntoView({block: 'center', behavior: 'instant'});
            }
            if (want.includes('stable') || want.includes('calm') && moves(el)) {
              await frameTick();
              const a = boxOf(el);
              await frameTick();
              // A page that draws a list again and again has another element in its place by now.
              el = K.find(number, again);
              if (!el) return {wait: 'left the page'};
              const b = boxOf(el);
              if (a.x !== b.x || a.y !== b.y || a.width !== b.width || a.height !== b.height)
                return {wait: 'is moving', what: shownTag(el)};
            }
            const box = boxOf(el);
            if (!want.includes('hit')) return {x: box.x + box.width / 2, y: box.y + box.height / 2, box: [box.x, box.y, box.width, box.height]};
            // A link over two lines is clicked on its largest piece, not between them.
            const pieces = [...el.getClientRects()].filter(r => r.width > 0.5 && r.height > 0.5)
              .sort((a, b) => b.width * b.height - a.width * a.height);
            const piece = el.localName !== 'area' && pieces.length > 1 ? pieces[0] : box;
            let part = visiblePart(el, piece);
            if (!part) {
              bring(el, () => { const b = boxOf(el); return {x: b.x + b.width / 2, y: b.y + b.height / 2}; });
              part = visiblePart(el, boxOf(el));
            }
            if (!part) return {wait: 'is outside the visible part of the page and can\'t be scrolled into it', what: shownTag(el)};
            let obstacle = null;
            const places = place ? [place] : [[.5, .5], [.5, .2], [.2, .5], [.8, .5], [.5, .8]];
            for (const [fx, fy] of places) {
              const x = part.left + (part.right - part.left) * fx, y = part.top + (part.bottom - part.top) * fy;
              const other = inTheWay(el, x, y);
              if (!other) return {x, y, box: [box.x, box.y, box.width, box.height], place: [fx, fy]};
              obstacle ??= other;
            }
            return {wait: 'is covered by ' + shownTag(obstacle), what: shownTag(el)};
          };

          // How `el` and all around it turn or slant it; null when they only move and scale it, or turn it out of the plane.
          const turnOf = el => {
            let all = new DOMMatrix();
            for (let at = el; at; at = parentOf(at)) {
              const {rotate, scale, transform} = getComputedStyle(at), part = (name, value) => value && value !== 'none'
                ? name + (value.includes(' ') && name === 'rotate' ? '3d' : '') + '(' + value.split(' ').join(',') + ') ' : '';
              const text = part('rotate', rotate) + part('scale', scale) + (transform === 'none' ? '' : transform);
              if (text) all = new DOMMatrix(text).multiply(all);
            }
            return all.is2D && (Math.abs(all.b) > 1e-6 || Math.abs(all.c) > 1e-6) ? all : null;
          };
          // A point in the frame that the iframe `number` shows, seen from here; scrolls it into view.
          const frameMap = el => {
            const style = getComputedStyle(el), turn = turnOf(el);
            return (x, y) => {
              const box = el.getBoundingClientRect();
              const px = el.clientLeft + parseFloat(style.paddingLeft || 0) + x, py = el.clientTop + parseFloat(style.paddingTop || 0) + y;
              if (turn) {
                // Wherever it is turned around: the middle of the box is the middle of what is around it.
                const dx = px - el.offsetWidth / 2, dy = py - el.offsetHeight / 2;
                return {x: box.x + box.width / 2 + turn.a * dx + turn.c * dy, y: box.y + box.height / 2 + turn.b * dx + turn.d * dy,
                  sx: Math.hypot(turn.a, turn.b), sy: Math.hypot(turn.c, turn.d)};
              }
              const sx = el.offsetWidth ? box.width / el.offsetWidth : 1, sy = el.offsetHeight ? box.height / el.offsetHeight : 1;
              return {x: box.x + px * sx, y: box.y + py * sy, sx, sy};
            };
          };
          K.through = (number, x, y) => {
            const el = held.get(number);
            if (!el?.isConnected) return {gone: 'has left the page'};
            const map = frameMap(el);
            bring(el, () => map(x, y));
            const at = map(x, y), other = inTheWay(el, at.x, at.y);
            return other ? {wait: 'is in a frame that is covered by ' + shownTag(other)} : at;
          };
          // The same for rectangles, without scrolling; what the frame's own edges cut off is left out.
          K.throughBoxes = (number, list) => {
            const el = held.get(number);
            if (!el?.isConnected || rendering(el) !== 2) return list.map(() => null);
            const map = frameMap(el), clip = visiblePart(el, el.getBoundingClientRect());
            return list.map(box => {
              if (!box || !clip) return null;
              const [x, y, w, h] = box, corners = [map(x, y), map(x + w, y), map(x, y + h), map(x + w, y + h)];
              const xs = corners.map(c => c.x), ys = corners.map(c => c.y);
              const left = Math.max(Math.min(...xs), clip.left), top = Math.max(Math.min(...ys), clip.top);
              const right = Math.min(Math.max(...xs), clip.right), bottom = Math.min(Math.max(...ys), clip.bottom);
              return right - left > 1 && bottom - top > 1 ? [left, top, right - left, bottom - top] : null;
            });
          };
          K.frames = () => ({token: K.token, numbers: queryAll('iframe,frame,object,embed', document, 200).map(numberOf)});
          // Whether moving the mouse has begun a drag of the page's own that nobody has stopped.
          K.watchDrag = () => {
            let begun = null;
            const watch = event => { begun = event; };
            window.addEventListener('dragstart', watch, {capture: true, once: true});
            K.dragBegan = async () => {
              await new Promise(done => setTimeout(done, 0));
              window.removeEventListener('dragstart', watch, {capture: true});
              if (!begun) window.addEventListener('dragstart', watch, {capture: true, once: true});
              return Boolean(begun) && !begun.defaultPrevented;
            };
            return {};
          };
          K.dragBegan = () => false;
          // Links for a download that were clicked and that the page let be followed: nothing else tells of them until
          // the server has answered. Gives how many there were since it was last asked.
          let followed = [];
          addEventListener('click', event => {
            const link = event.composedPath().find(at => at.localName === 'a' || at.localName === 'area');
            if (!link?.hasAttribute('download') || !link.href || followed.length > 99) return;
            try {
              const url = new URL(link.href);
              // A link to another site is followed like any other.
              if (url.origin === self.origin || url.protocol === 'data:') followed.push(event);
            } catch {} // no address, nothing to follow
          }, true);
          K.downloads = () => {
            const count = followed.filter(event => !event.defaultPrevented).length;
            followed = [];
            return count;
          };
          // Whether the mouse would still meet the element there.
          K.meets = (number, x, y, again) => {
            const el = K.find(number, again);
            return Boolean(el) && !inTheWay(el, x, y);
          };
        """#
}
