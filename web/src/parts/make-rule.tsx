/** Allow, and never be asked this again: the rules that are made, exactly, to be changed before. */
import { useState } from 'react';
import type { Approval } from '../model/frame.ts';
import type { RuleDraft } from '../model/suggest.ts';
import { suggestedRules } from '../model/suggest.ts';
import { Button } from './button.tsx';

const FIELDS = [
  { name: 'command', label: 'Command' },
  { name: 'tool', label: 'Tool' },
  { name: 'path', label: 'Path' },
  { name: 'agent', label: 'Agent' },
] as const satisfies readonly { name: keyof RuleDraft; label: string }[];

type MakeRuleProps = {
  asked: Approval;
  isPending: boolean;
  onMake: (rules: readonly RuleDraft[]) => void;
  onClose: () => void;
};

export function MakeRule({ asked, isPending, onMake, onClose }: MakeRuleProps) {
  const [rules, setRules] = useState<readonly RuleDraft[]>(() => suggestedRules(asked));
  const change = (at: number, name: keyof RuleDraft, glob: string): void =>
    setRules(rules.map((rule, index) => (index === at ? { ...rule, [name]: glob } : rule)));
  return (
    <form
      aria-label={`Rule for: ${asked.title}`}
      className="flex flex-col gap-2 rounded-md border border-line bg-sunken p-3"
      onSubmit={(event) => {
        event.preventDefault();
        onMake(rules);
      }}
      onKeyDown={(event) => (event.key === 'Escape' ? onClose() : undefined)}
    >
      <p className="text-xs text-muted">
        {rules.length === 1 ? 'This rule is' : 'These rules are'} made, for the whole swarm; <code>*</code> stands for
        anything, an empty field for any.
      </p>
      {rules.map((rule, at) => (
        <fieldset key={at} className="grid grid-cols-1 gap-2 sm:grid-cols-2">
          <legend className="sr-only">Rule {at + 1}: allow</legend>
          {FIELDS.filter(
            ({ name }) => name === 'agent' || rule[name] !== '' || suggestedRules(asked)[at]?.[name] !== '',
          ).map(({ name, label }, index) => (
            <label key={name} className="flex min-w-0 items-center gap-2 text-xs">
              <span className="w-16 shrink-0 text-muted">{label}</span>
              <input
                className="field min-w-0 font-mono text-xs"
                maxLength={256}
                // The form was opened on purpose, by a key or a press.
                autoFocus={at === 0 && index === 0}
                value={rule[name]}
                onChange={(event) => change(at, name, event.target.value)}
              />
            </label>
          ))}
        </fieldset>
      ))}
      <div className="flex flex-wrap items-center gap-2">
        <Button look="primary" type="submit" disabled={isPending}>
          Allow and make {rules.length === 1 ? 'the rule' : 'the rules'}
        </Button>
        <Button look="quiet" onClick={onClose}>
          No rule
        </Button>
      </div>
    </form>
  );
}
