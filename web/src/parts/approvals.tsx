/** What agents ask, in one place: answered with the pointer or the keyboard, one or several; gone as soon as anybody answered, anywhere. */
import { useEffect, useRef, useState } from 'react';
import type { Decision } from '../model/answers.ts';
import { allowWithRules, answerAll } from '../model/answers.ts';
import { openApprovals } from '../model/approvals.ts';
import type { Approval } from '../model/frame.ts';
import { plural } from '../model/needs.ts';
import { useMayAct, useSwarm } from '../model/store.ts';
import type { RuleDraft } from '../model/suggest.ts';
import { Said, useAction } from './action.tsx';
import { Asked } from './asked.tsx';
import { Button } from './button.tsx';
import { isTyping } from './keys.ts';
import { Section } from './layout.tsx';

/** Drawn at once; the next come up as these are answered. */
const SHOWN_MAX = 50;

/** `of`: only what that task or agent asks. Draws nothing while nothing is asked and nothing was answered here. */
export function Approvals({ of }: { of?: string }) {
  const approvals = useSwarm((swarm) => swarm.approvals);
  const tasks = useSwarm((swarm) => swarm.tasks);
  const open = openApprovals({ approvals, tasks }).filter(
    (one) => of === undefined || one.task_id === of || one.agent_id === of,
  );
  const shown = open.slice(0, SHOWN_MAX);
  const { state, pending, answer, allowWith } = useAnswers(shown);
  const [current, setCurrent] = useState<string>();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  // What somebody else answered is not chosen any more: a key must never answer what is not seen.
  const picked = shown.filter(({ id }) => chosen.has(id));
  const act = (asked: readonly Approval[], decision: Decision, note: string): void => {
    const at = shown.findIndex(({ id }) => id === current);
    const next = shown.slice(at + 1).find((one) => !asked.includes(one));
    if (at >= 0 && asked.some(({ id }) => id === current)) setCurrent(next?.id);
    setChosen(new Set());
    void answer(asked, decision, note);
  };
  useKeys({ shown, current, picked, setCurrent, setChosen, act });
  const isQuiet = open.length === 0 && state.kind === 'idle';
  if (isQuiet) return null;
  return (
    <Section title="Agents ask" count={open.length} side={<Keys isShown={open.length > 0} />}>
      <Said state={state} className="pb-2" />
      {picked.length > 0 ? <Bulk picked={picked} onAnswer={act} onClear={() => setChosen(new Set())} /> : null}
      {open.length === 0 ? null : (
        <ul aria-label="What agents ask" className="card divide-y divide-line overflow-hidden">
          {shown.map((one) => (
            <Asked
              key={one.id}
              asked={one}
              isCurrent={one.id === current}
              isChosen={chosen.has(one.id)}
              isPending={pending.has(one.id)}
              onEnter={() => setCurrent(one.id)}
              onChoose={(isChosen) => setChosen(toggled(chosen, one.id, isChosen))}
              onAnswer={(decision, note) => act([one], decision, note)}
              onRule={(rules, note) => void allowWith(one, rules, note)}
            />
          ))}
        </ul>
      )}
      {open.length > shown.length ? (
        <p className="pt-2 text-xs text-muted">{open.length - shown.length} more wait behind these.</p>
      ) : null}
    </Section>
  );
}

function useAnswers(shown: readonly Approval[]) {
  const [pending, setPending] = useState<ReadonlySet<string>>(new Set());
  const action = useAction((act: () => Promise<string>) => act());
  const carryOut = async (asked: readonly Approval[], act: () => Promise<string>): Promise<void> => {
    if (asked.length === 0 || action.state.kind === 'pending') return;
    setPending(new Set(asked.map(({ id }) => id)));
    await action.run(act);
    setPending(new Set());
  };
  return {
    state: action.state,
    pending: new Set(shown.flatMap(({ id }) => (pending.has(id) ? [id] : []))),
    answer: (asked: readonly Approval[], decision: Decision, note: string) =>
      carryOut(asked, async () => {
        const { text, isDone } = await answerAll(asked, { decision, note });
        if (!isDone) throw new Error(text);
        return text;
      }),
    allowWith: (asked: Approval, rules: readonly RuleDraft[], note: string) =>
      carryOut([asked], () => allowWithRules(asked, rules, note)),
  };
}

type BulkProps = {
  picked: readonly Approval[];
  onAnswer: (asked: readonly Approval[], decision: Decision, note: string) => void;
  onClear: () => void;
};

function Bulk({ picked, onAnswer, onClear }: BulkProps) {
  const [note, setNote] = useState('');
  return (
    <div role="group" aria-label="Answer those chosen" className="mb-2 flex flex-wrap items-center gap-2">
      <span className="text-[13px] font-medium">{picked.length} chosen</span>
      <input
        className="field min-w-0 grow basis-40"
        aria-label="Note to these agents"
        placeholder="Note to these agents"
        maxLength={4000}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      <Button look="primary" onClick={() => onAnswer(picked, 'allow', note)}>
        Allow {plural(picked.length, 'request')}
      </Button>
      <Button look="danger" onClick={() => onAnswer(picked, 'deny', note)}>
        Deny {plural(picked.length, 'request')}
      </Button>
      <Button look="quiet" onClick={onClear}>
        Choose none
      </Button>
    </div>
  );
}

const Keys = ({ isShown }: { isShown: boolean }) =>
  isShown && useMayAct() ? (
    <span className="text-xs text-muted max-sm:hidden">
      <kbd>j</kbd> <kbd>k</kbd> move, <kbd>a</kbd> allow, <kbd>d</kbd> deny, <kbd>r</kbd> rule, <kbd>x</kbd> choose
    </span>
  ) : null;

type Keyed = {
  shown: readonly Approval[];
  current: string | undefined;
  picked: readonly Approval[];
  setCurrent: (id: string | undefined) => void;
  setChosen: (chosen: ReadonlySet<string>) => void;
  act: (asked: readonly Approval[], decision: Decision, note: string) => void;
};

/** `a` and `d` answer what is chosen, else what is marked; without a mark they do nothing. */
function useKeys(keyed: Keyed): void {
  const mayAct = useMayAct();
  const latest = useRef(keyed);
  useEffect(() => {
    latest.current = keyed;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (isTyping(event.target) && !isBox(event.target)) return;
      if (event.metaKey || event.ctrlKey || event.altKey || event.repeat) return;
      onKey(event.key, latest.current, mayAct);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [mayAct]);
}

const isBox = (target: EventTarget | null): boolean => target instanceof HTMLInputElement && target.type === 'checkbox';

function onKey(key: string, { shown, current, picked, setCurrent, setChosen, act }: Keyed, mayAct: boolean): void {
  const at = shown.findIndex(({ id }) => id === current);
  const marked = shown[at];
  if (key === 'j') setCurrent(shown[Math.min(at + 1, shown.length - 1)]?.id);
  if (key === 'k') setCurrent(shown[Math.max(at - 1, 0)]?.id);
  if (!mayAct || marked === undefined) return;
  if (key === 'x') {
    const ids = new Set(picked.map(({ id }) => id));
    setChosen(toggled(ids, marked.id, !ids.has(marked.id)));
  }
  const asked = picked.length > 0 ? picked : [marked];
  // A question has no answer in one key.
  if (key === 'a')
    act(
      asked.filter(({ kind }) => kind !== 'question'),
      'allow',
      '',
    );
  if (key === 'd') act(asked, 'deny', '');
}

function toggled(held: ReadonlySet<string>, id: string, isIn: boolean): Set<string> {
  const next = new Set(held);
  if (isIn) next.add(id);
  else next.delete(id);
  return next;
}
