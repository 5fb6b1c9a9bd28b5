/** What agents may do without asking, what they are denied, and what is asked in any case. */
import { ScrollText } from 'lucide-react';
import { api } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import type { Rule } from '../model/frame.ts';
import { useSwarm } from '../model/store.ts';
import { Empty, Field, Section } from './layout.tsx';
import { Entry, SettingsForm, typedOnly } from './settings-form.tsx';

export function Rules() {
  // Asked again whenever a rule was added or removed, anywhere.
  const version = useSwarm((swarm) => swarm.settingsChanged);
  const { answer: rules, said } = useAsked<Rule[]>('api/rules', version);
  return (
    <div className="flex flex-col gap-6">
      <Section title="Rules for what agents ask" count={rules?.length ?? 0}>
        {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
        {rules?.length === 0 ? (
          <Empty icon={<ScrollText />} title="No rules">
            <p>Agents change files of their own folder. All else they ask, and you answer.</p>
          </Empty>
        ) : (
          <ul aria-label="Rules" className="card divide-y divide-line empty:hidden">
            {rules?.map((rule) => (
              <Row key={rule.id} rule={rule} />
            ))}
          </ul>
        )}
      </Section>
      <AddRule />
    </div>
  );
}

const TONES: Readonly<Record<Rule['effect'], string>> = { allow: 'text-green', ask: 'text-amber', deny: 'text-red' };

function Row({ rule }: { rule: Rule }) {
  const parts = [
    ['tool', rule.tool],
    ['command', rule.command],
    ['path', rule.path],
    ['agent', rule.agent],
  ] as const;
  return (
    <Entry path={`api/rules/${encodeURIComponent(rule.id)}`}>
      {(said) => (
        <>
          <span className={`w-10 shrink-0 font-medium ${TONES[rule.effect]}`}>{rule.effect}</span>
          <span className="min-w-0 grow basis-48 wrap-anywhere">
            {parts.map(([name, glob]) =>
              glob === null ? null : (
                <span key={name} className="mr-3">
                  <span className="text-muted">{name}</span> <code className="font-mono text-xs">{glob}</code>
                </span>
              ),
            )}
            <span className="block text-xs text-muted">
              {rule.note === '' ? '' : `${rule.note} · `}by {rule.created_by}
            </span>
            {said}
          </span>
        </>
      )}
    </Entry>
  );
}

function AddRule() {
  const send = async (given: Readonly<Record<string, string>>): Promise<string> => {
    const { effect } = await api<Rule>('POST', 'api/rules', typedOnly(given));
    return `Added: ${effect}. What waits is held against it, too.`;
  };
  return (
    <SettingsForm title="Add a rule" verb="Add" send={send}>
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        <Field label="Effect" hint="deny goes before ask, ask before allow">
          <select name="effect" className="field">
            <option>allow</option>
            <option>ask</option>
            <option>deny</option>
          </select>
        </Field>
        <Field label="Command" hint="Each part of a compound command must match a rule that allows it">
          <input name="command" maxLength={256} placeholder="npm run *" className="field font-mono" />
        </Field>
        <Field label="Path" hint="Absolute, or from the folder of the attempt">
          <input name="path" maxLength={256} placeholder="migrations/**" className="field font-mono" />
        </Field>
        <Field label="Tool" hint="The agent's own word for it">
          <input name="tool" maxLength={256} placeholder="mcp__files__*" className="field font-mono" />
        </Field>
        <Field label="Agent" hint="Empty: every agent">
          <input name="agent" maxLength={256} placeholder="claude-*" className="field font-mono" />
        </Field>
        <Field label="Note" hint="Of a denial, told to the agent">
          <input name="note" maxLength={500} className="field" />
        </Field>
      </div>
    </SettingsForm>
  );
}
