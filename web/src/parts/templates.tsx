/** Keeps what the form says for another time, and fills it from what was kept. */
import type { RefObject } from 'react';
import { useState } from 'react';
import type { Template, Values } from '../model/templates.ts';
import { keepTemplates, keptTemplates, valuesOf, withTemplate } from '../model/templates.ts';
import { Button } from './button.tsx';

type Props = { form: RefObject<HTMLFormElement | null>; onFill: (values: Values) => void };

export function Templates({ form, onFill }: Props) {
  const [held, setHeld] = useState(keptTemplates);
  const [name, setName] = useState('');
  const [said, setSaid] = useState('');
  const keep = (templates: Template[], text: string): void => {
    try {
      keepTemplates(templates);
      setHeld(templates);
      setSaid(text);
    } catch {
      setSaid('This browser keeps nothing.');
    }
  };
  const add = (): void => {
    if (form.current === null || name.trim() === '') return;
    const values = valuesOf(new FormData(form.current));
    keep(withTemplate(held, { name: name.trim(), values }), 'Kept in this browser.');
    setName('');
  };
  return (
    <div role="group" aria-label="Templates" className="flex flex-col gap-2 border-t border-line pt-3 text-[13px]">
      <Kept
        held={held}
        onFill={onFill}
        onForget={(one) =>
          keep(
            held.filter((other) => other !== one),
            'Forgotten.',
          )
        }
      />
      <div className="flex items-center gap-2">
        <input
          aria-label="Name of the template"
          placeholder="Keep this as a template named …"
          maxLength={60}
          value={name}
          className="field min-w-0"
          onChange={(event) => setName(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            add();
          }}
        />
        <Button disabled={name.trim() === ''} onClick={add}>
          Keep
        </Button>
      </div>
      <p role="status" className="text-xs text-muted empty:hidden">
        {said}
      </p>
    </div>
  );
}

type KeptProps = { held: readonly Template[]; onFill: (values: Values) => void; onForget: (one: Template) => void };

const Kept = ({ held, onFill, onForget }: KeptProps) => (
  <ul className="flex flex-wrap gap-1.5 empty:hidden">
    {held.map((template) => (
      <li key={template.name} className="flex items-center rounded-md border border-line-strong">
        <button
          type="button"
          title="Fill the form with this template"
          className="max-w-48 truncate px-2 py-1 hover:underline"
          onClick={() => onFill(template.values)}
        >
          {template.name}
        </button>
        <button
          type="button"
          aria-label={`Forget the template ${template.name}`}
          className="px-1.5 py-1 text-muted hover:text-red"
          onClick={() => onForget(template)}
        >
          ×
        </button>
      </li>
    ))}
  </ul>
);
