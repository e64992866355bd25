extension PageScript {
    /// ARIA roles and states of elements (HTML-AAM, WAI-ARIA 1.2).
    static let roles = #"""
          const known = new Set(('alert alertdialog application article banner blockquote button caption cell checkbox ' +
            'code columnheader combobox complementary contentinfo definition deletion dialog directory document ' +
            'emphasis feed figure form generic grid gridcell group heading img insertion link list listbox listitem ' +
            'log main mark marquee math menu menubar menuitem menuitemcheckbox menuitemradio meter navigation none ' +
            'note option paragraph presentation progressbar radio radiogroup region row rowgroup rowheader scrollbar ' +
            'search searchbox separator slider spinbutton status strong subscript superscript switch tab table ' +
            'tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem').split(' '));
          const interactive = new Set(('button checkbox combobox link listbox menuitem ' +
            'menuitemcheckbox menuitemradio option radio searchbox slider spinbutton switch tab textbox treeitem ' +
            'scrollbar video audio canvas').split(' '));
          const containers = new Set(['dialog', 'alertdialog', 'iframe', 'menu', 'tree', 'radiogroup', 'tablist']);
          const inputRoles = {button: 'button', checkbox: 'checkbox', color: 'textbox', date: 'textbox',
            'datetime-local': 'textbox', email: 'textbox', file: 'button', image: 'button', month: 'textbox',
            number: 'spinbutton', password: 'textbox', radio: 'radio', range: 'slider', reset: 'button',
            search: 'searchbox', submit: 'button', tel: 'textbox', text: 'textbox', time: 'textbox', url: 'textbox',
            week: 'textbox'};
          const plainRoles = {address: 'group', article: 'article', aside: 'complementary', audio: 'audio',
            blockquote: 'blockquote', button: 'button', canvas: 'canvas', caption: 'caption', dd: 'definition',
            del: 'deletion', details: 'group', dfn: 'term', dialog: 'dialog', dt: 'term', embed: 'object',
            fieldset: 'group', figure: 'figure', frame: 'iframe', h1: 'heading', h2: 'heading', h3: 'heading',
            h4: 'heading', h5: 'heading', h6: 'heading', hr: 'separator', iframe: 'iframe', ins: 'insertion',
            li: 'listitem', main: 'main', math: 'math', menu: 'list', meter: 'meter', nav: 'navigation',
            object: 'object', ol: 'list', optgroup: 'group', option: 'option', output: 'status', p: 'paragraph',
            progress: 'progressbar', search: 'search', summary: 'button', table: 'table', tbody: 'rowgroup',
            textarea: 'textbox', tfoot: 'rowgroup', thead: 'rowgroup', tr: 'row', ul: 'list', video: 'video'};
          const sectioning = 'article,aside,main,nav,section,[role=article],[role=complementary],[role=main],' +
            '[role=navigation],[role=region]';
          const authored = el => squeeze(el.getAttribute('aria-label') ?? '') || el.hasAttribute('aria-labelledby')
            || squeeze(el.getAttribute('title') ?? '');

          const implicitRole = el => {
            const tag = el.localName;
            switch (tag) {
              case 'a': case 'area': return el.hasAttribute('href') ? 'link' : 'generic';
              case 'footer': return el.parentElement?.closest(sectioning) ? 'generic' : 'contentinfo';
              case 'header': return el.parentElement?.closest(sectioning) ? 'generic' : 'banner';
              case 'form': return authored(el) ? 'form' : 'generic';
              case 'section': return authored(el) ? 'region' : 'generic';
              case 'img': return el.getAttribute('alt') === '' && !el.title && !el.hasAttribute('aria-label')
                ? 'presentation' : 'img';
              case 'svg': return authored(el) || el.querySelector('title') ? 'img' : 'presentation';
              case 'input': {
                if (el.type === 'hidden') return 'none';
                const role = inputRoles[el.type] ?? 'textbox';
                return el.list && (role === 'textbox' || role === 'searchbox') ? 'combobox' : role;
              }
              case 'select': return el.multiple || el.size > 1 ? 'listbox' : 'combobox';
              case 'td': return el.closest('[role=grid],[role=treegrid]') ? 'gridcell' : 'cell';
              case 'th': return el.scope === 'row' || el.scope === 'rowgroup' ? 'rowheader' : 'columnheader';
            }
            if (el.isContentEditable && !el.parentElement?.isContentEditable) return 'textbox';
            return plainRoles[tag] ?? 'generic';
          };
          const focusable = el => el.matches('a[href],area[href],button,input,select,textarea,summary,iframe,' +
            'audio[controls],video[controls],[contenteditable=""],[contenteditable=true]')
            ? !el.disabled : el.hasAttribute('tabindex');
          const roleOf = el => {
            const given = el.getAttribute('role');
            if (given) {
              for (const word of given.toLowerCase().split(/\s+/)) {
                if (!known.has(word)) continue;
                if ((word === 'none' || word === 'presentation') && (focusable(el) || el.hasAttribute('aria-label'))) break;
                return word === 'none' ? 'presentation' : word;
              }
            }
            return implicitRole(el);
          };

          const isDisabled = el => {
            if (el.matches(':disabled')) return true;
            for (let at = el; at; at = parentOf(at)) {
              const word = at.getAttribute('aria-disabled');
              if (word) return word === 'true';
            }
            return false;
          };
          const flag = (el, name) => el.getAttribute('aria-' + name);
          const statesOf = (el, role, active) => {
            const states = [], tag = el.localName;
            const native = tag === 'input' && (el.type === 'checkbox' || el.type === 'radio');
            const checked = native ? (el.indeterminate ? 'mixed' : String(el.checked))
              : /^(checkbox|radio|switch|menuitemcheckbox|menuitemradio|option|treeitem)$/.test(role)
              ? flag(el, 'checked') : null;
            if (checked === 'true') states.push('checked');
            if (checked === 'mixed') states.push('checked=mixed');
            if (el.matches(':disabled') || flag(el, 'disabled') === 'true') states.push('disabled');
            const open = tag === 'summary' && el.parentElement?.localName === 'details'
              ? String(el.parentElement.open) : flag(el, 'expanded');
            if (open === 'true') states.push('expanded');
            if (open === 'false') states.push('collapsed');
            if (role === 'heading') {
              const level = Number(flag(el, 'level')) || Number((/^h([1-6])$/.exec(tag) ?? [])[1]) || 0;
              if (level) states.push('level=' + level);
            }
            const pressed = role === 'button' ? flag(el, 'pressed') : null;
            if (pressed === 'true') states.push('pressed');
            if (pressed === 'mixed') states.push('pressed=mixed');
            if (tag === 'option' ? el.selected : flag(el, 'selected') === 'true') states.push('selected');
            const current = flag(el, 'current');
            if (current && current !== 'false') states.push('current' + (current === 'true' ? '' : '=' + clip(current, 20)));
            if (el.required || flag(el, 'required') === 'true') states.push('required');
            if (el.readOnly === true || flag(el, 'readonly') === 'true') states.push('readonly');
            const invalid = flag(el, 'invalid');
            if (invalid && invalid !== 'false') states.push('invalid');
            if (role === 'slider' || role === 'spinbutton') {
              const least = el.min || flag(el, 'valuemin'), most = el.max || flag(el, 'valuemax');
              if (least) states.push('min=' + clip(least, 20));
              if (most) states.push('max=' + clip(most, 20));
            }
            if (el === active) states.push('active');
            return states.join(' ');
          };
          const valueOf = (el, role) => {
            const tag = el.localName;
            if (tag === 'input') {
              if (el.type === 'password') return el.value ? '••••••••' : '';
              if (el.type === 'file') return [...el.files].map(f => f.name).join(', ');
              if (/^(checkbox|radio|button|submit|reset|image)$/.test(el.type)) return '';
              return el.value;
            }
            if (tag === 'textarea') return el.value;
            if (tag === 'select') return [...el.selectedOptions].map(o => squeeze(o.label)).join(', ');
            if (tag === 'progress') return el.position >= 0 ? el.value + ' of ' + el.max : '';
            if (tag === 'meter') return String(el.value);
            if (/^(slider|spinbutton|progressbar|meter|scrollbar)$/.test(role))
              return flag(el, 'valuetext') ?? flag(el, 'valuenow') ?? '';
            if (/^(textbox|searchbox|combobox)$/.test(role) && el.isContentEditable) return el.innerText;
            return '';
          };
        """#
}
