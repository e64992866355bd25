extension PageScript {
    /// Accessible names (Accessible Name and Description Computation 1.2).
    static let names = #"""
          const namedByContent = new Set(('button cell checkbox columnheader gridcell heading link menuitem ' +
            'menuitemcheckbox menuitemradio option radio rowheader switch tab tooltip treeitem').split(' '));
          const inline = new Set(('a abbr b bdi bdo big cite code data dfn em font i kbd label mark q s samp small ' +
            'slot span strike strong sub sup time tt u var wbr').split(' '));
          const longestName = 400;

          const referenced = (el, attribute) => {
            const list = el.getAttribute(attribute);
            if (!list) return [];
            const root = el.getRootNode();
            return list.trim().split(/\s+/).map(id => root.getElementById?.(id)).filter(Boolean);
          };
          const generated = (el, pseudo) => {
            const content = getComputedStyle(el, pseudo).content;
            const texts = content && content !== 'none' && content !== 'normal' ? content.match(/"((?:[^"\\]|\\.)*)"/g) : null;
            // Icon fonts put their signs into the private use area: no text for anybody.
            return texts ? texts.map(t => t.slice(1, -1)).join('').replace(/[\ue000-\uf8ff]/g, '') : '';
          };

          // The text of what is below `el`, as far as it counts for a name.
          const contentName = (el, trail, hiddenToo) => {
            let text = '';
            const add = node => {
              if (text.length > 4 * longestName) return;
              if (node.nodeType === 3) { text += node.data; return; }
              if (node.nodeType !== 1 || unrendered.has(node.localName)) return;
              if (node.localName === 'br') { text += ' '; return; }
              if (!hiddenToo && (node.getAttribute('aria-hidden') === 'true' || rendering(node) !== 2)) return;
              const part = nameOf(node, roleOf(node), trail, true, hiddenToo);
              text += inline.has(node.localName) ? part : ' ' + part + ' ';
            };
            for (const node of childrenOf(el)) add(node);
            for (const owned of referenced(el, 'aria-owns')) add(owned);
            if (!text.trim() && el.nodeType === 1) text = generated(el, '::before') + ' ' + generated(el, '::after');
            return text;
          };
          const labelText = (el, trail, inside) => el.labels?.length
            ? [...el.labels].map(label => nameOf(label, 'generic', trail, true, inside)).join(' ') : '';
          const childText = (el, tag, trail) => {
            for (const child of el.children) if (child.localName === tag) return nameOf(child, 'generic', trail, true, false);
            return '';
          };

          // `inside`: this is part of the name of something around it; then every element counts with its content.
          const nameOf = (el, role, trail = new Set(), inside = false, hiddenToo = false) => {
            if (trail.has(el)) return '';
            trail.add(el);
            const tag = el.localName;
            if (!trail.byReference) {
              const sources = referenced(el, 'aria-labelledby');
              if (sources.length) {
                trail.byReference = true;
                const text = squeeze(sources.map(source => {
                  const fresh = new Set([...trail].filter(item => item !== source));
                  fresh.byReference = true;
                  return nameOf(source, roleOf(source), fresh, true, rendering(source) !== 2);
                }).join(' '));
                trail.byReference = false;
                if (text) return text;
              }
            }
            if (inside && trail.size > 1 && tag !== 'button') {
              if (/^(textbox|searchbox|combobox|slider|spinbutton)$/.test(role) && (tag === 'input' || tag === 'textarea' || tag === 'select'))
                return tag === 'input' && el.type === 'password' ? '' : valueOf(el, role);
            }
            const label = squeeze(el.getAttribute('aria-label') ?? '');
            if (label) return label;
            let text = '';
            if (role !== 'presentation') {
              if (tag === 'input' && /^(button|submit|reset)$/.test(el.type))
                text = el.value || (el.type === 'submit' ? 'Submit' : el.type === 'reset' ? 'Reset' : '');
              else if (tag === 'input' && el.type === 'image') text = el.alt || el.value;
              if (!text && (tag === 'input' || tag === 'select' || tag === 'textarea' || tag === 'meter'
                || tag === 'progress' || tag === 'output' || tag === 'button'))
                text = squeeze(labelText(el, trail, hiddenToo));
              if (!text && tag === 'input' && el.type === 'file') text = 'Choose File';
              if (tag === 'fieldset') text = childText(el, 'legend', trail);
              if (tag === 'figure') text = childText(el, 'figcaption', trail);
              if (tag === 'table') text = childText(el, 'caption', trail);
              if (tag === 'details') text = '';
              if (tag === 'img' || tag === 'area') text = el.getAttribute('alt') ?? '';
              if (tag === 'svg') text = el.querySelector(':scope > title')?.textContent ?? '';
              if (tag === 'optgroup' || tag === 'option' || tag === 'track') text = el.getAttribute('label') ?? '';
              if (squeeze(text)) return squeeze(text);
            }
            if (inside || namedByContent.has(role)) {
              if (role === 'treeitem' && !inside) text = treeItemName(el, trail);
              else text = contentName(el, trail, hiddenToo);
              if (inside) { if (text.trim()) return text; } else if (squeeze(text)) return squeeze(text);
            }
            return squeeze(el.getAttribute('title') ?? '') || squeeze(el.getAttribute('placeholder') ?? '')
              || squeeze(el.getAttribute('aria-placeholder') ?? '');
          };
          // A tree item is named by itself, not by the items below it.
          const treeItemName = (el, trail) => {
            let text = '';
            for (const node of childrenOf(el)) {
              if (node.nodeType === 3) text += node.data;
              else if (node.nodeType === 1 && rendering(node) === 2) {
                const role = roleOf(node);
                if (role !== 'group' && role !== 'tree' && role !== 'list') text += ' ' + nameOf(node, role, trail, true) + ' ';
              }
            }
            return text;
          };
          const descriptionOf = el => clip(squeeze(referenced(el, 'aria-describedby').map(source => source.textContent).join(' ')
            || el.getAttribute('aria-description') || ''), longestName);
        """#
}
