extension PageScript {
    /// Values of form fields.
    static let edit = #"""
          const tell = el => {
            el.dispatchEvent(new Event('input', {bubbles: true, composed: true}));
            el.dispatchEvent(new Event('change', {bubbles: true}));
          };
          const setDirectly = new Set(['color', 'date', 'datetime-local', 'month', 'range', 'time', 'week']);
          const fieldOf = el => {
            if (el.localName === 'label' && el.control) return el.control;
            if (el.localName === 'input' || el.localName === 'textarea' || el.localName === 'select' || el.isContentEditable) return el;
            // A widget around one field: the field is meant.
            const inner = queryAll('input:not([type=hidden]),textarea,select,[contenteditable=""],[contenteditable=true]', shadowOf(el) ?? el, 2);
            return inner.length === 1 ? inner[0] : el;
          };

          // What kind of field it is: text, direct, check, select, file or none.
          K.field = number => {
            const given = held.get(number);
            if (!given?.isConnected) return {gone: 'has left the page'};
            const el = fieldOf(given), tag = el.localName;
            const role = roleOf(el), answer = kind => ({kind, number: numberOf(el), type: tag === 'input' ? el.type : tag, what: shownTag(el),
              checked: tag === 'input' ? el.checked : flag(el, 'checked') === 'true' || flag(el, 'pressed') === 'true'});
            if (tag === 'select') return answer('select');
            if (tag === 'input' && (el.type === 'checkbox' || el.type === 'radio')) return answer('check');
            if (tag === 'input' && el.type === 'file') return answer('file');
            if (tag === 'input' && setDirectly.has(el.type)) return answer('direct');
            if (tag === 'input' && /^(button|submit|reset|image|hidden)$/.test(el.type)) return answer('none');
            if (tag === 'input' || tag === 'textarea' || el.isContentEditable) return answer('text');
            if (/^(checkbox|radio|switch|menuitemcheckbox|menuitemradio)$/.test(role)) return answer('check');
            return answer('none');
          };

          // Puts the caret into a field with all its text selected (`all`) or behind it.
          K.enter = (number, all) => {
            const el = held.get(number);
            if (!el?.isConnected) return {gone: 'has left the page'};
            el.focus({preventScroll: true});
            if (el.isContentEditable) {
              const range = document.createRange(), chosen = getSelection();
              range.selectNodeContents(el);
              if (!all) range.collapse(false);
              chosen.removeAllRanges();
              chosen.addRange(range);
              return {empty: !el.textContent, type: 'contenteditable'};
            }
            if (all) el.select?.();
            else if (typeof el.value === 'string') {
              // Fields of some types have no selection and say so by throwing.
              try { el.setSelectionRange(el.value.length, el.value.length); } catch {}
            }
            const active = el.getRootNode().activeElement;
            return {empty: !el.value, type: el.type, unfocused: active !== el};
          };
          K.focus = number => {
            const el = held.get(number);
            if (!el?.isConnected) return {gone: 'has left the page'};
            el.focus({preventScroll: true});
            return {};
          };
          K.text = number => {
            const el = held.get(number);
            if (!el?.isConnected) return {gone: 'has left the page'};
            return {value: el.isContentEditable ? el.innerText : el.value ?? ''};
          };
          K.setDirect = (number, value) => {
            const el = held.get(number);
            if (!el?.isConnected) return {gone: 'has left the page'};
            const forms = {color: '#rrggbb', date: 'yyyy-mm-dd', 'datetime-local': 'yyyy-mm-ddThh:mm', month: 'yyyy-mm',
              range: 'a number from ' + (el.min || 0) + ' to ' + (el.max || 100), time: 'hh:mm', week: 'yyyy-Www'};
            const old = el.value, wanted = el.type === 'color' ? value.toLowerCase() : value;
            el.focus({preventScroll: true});
            el.value = wanted;
            const ranged = el.type === 'range' ? Number(el.value) === Number(wanted) && wanted !== '' : el.value === wanted;
            if (!ranged) { el.value = old; return {bad: forms[el.type]}; }
            tell(el);
            return {value: el.value};
          };

          K.choose = (number, values) => {
            const given = held.get(number);
            if (!given?.isConnected) return {gone: 'has left the page'};
            const el = fieldOf(given);
            if (el.localName !== 'select') return {wrong: shownTag(el)};
            const all = [...el.options], listed = all.slice(0, 40).map(o => ({value: o.value, label: squeeze(o.label)}));
            if (values.length > 1 && !el.multiple) return {single: true};
            const chosen = [];
            for (const value of values) {
              const found = all.find(o => o.value === value) ?? all.find(o => squeeze(o.label) === squeeze(value))
                ?? all.find(o => squeeze(o.text) === squeeze(value))
                ?? all.find(o => squeeze(o.label).toLowerCase() === squeeze(value).toLowerCase());
              if (!found) return {missing: value, listed, total: all.length};
              if (found.disabled || found.parentElement?.localName === 'optgroup' && found.parentElement.disabled)
                return {closed: value, listed, total: all.length};
              chosen.push(found);
            }
            el.focus({preventScroll: true});
            for (const option of all) option.selected = chosen.includes(option);
            tell(el);
            return {values: [...el.selectedOptions].map(o => o.value), labels: [...el.selectedOptions].map(o => squeeze(o.label))};
          };
        """#
}
