/** One thing that an agent asks: exactly what it would do, for what, and the two answers. */
import { Link } from '@tanstack/react-router';
import { Check, CircleHelp, FilePen, LoaderCircle, ScrollText, SquareTerminal, Wrench, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useEffect, useRef, useState } from 'react';
import { api, sayError } from '../model/api.ts';
import type { Decision } from '../model/answers.ts';
import { approvalPath } from '../model/answers.ts';
import type { Approval } from '../model/frame.ts';
import { useMayAct } from '../model/store.ts';
import type { RuleDraft } from '../model/suggest.ts';
import { suggestedRules } from '../model/suggest.ts';
import { Button } from './button.tsx';
import { isTyping } from './keys.ts';
import { AboutDeal, DisputeAnswers } from './dispute.tsx';
import { MakeRule } from './make-rule.tsx';
import { Patch } from './patch.tsx';
import { Age } from './time.tsx';

const ICONS: Readonly<Record<Approval['kind'], ReactNode>> = {
  command: <SquareTerminal />,
  edit: <FilePen />,
  tool: <Wrench />,
  question: <CircleHelp />,
};

type AskedProps = {
  asked: Approval;
  isCurrent: boolean;
  isChosen: boolean;
  isPending: boolean;
  onEnter: () => void;
  onChoose: (isChosen: boolean) => void;
  onAnswer: (decision: Decision, note: string) => void;
  onRule: (rules: readonly RuleDraft[], note: string) => void;
};

export function Asked({ asked, isCurrent, isChosen, isPending, onEnter, onChoose, onAnswer, onRule }: AskedProps) {
  const mayAct = useMayAct();
  const [note, setNote] = useState('');
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isCurrent) item.current?.scrollIntoView({ block: 'nearest' });
  }, [isCurrent]);
  const [isRuling, setRuling] = useState(false);
  useRuleKey(isCurrent && mayAct, () => setRuling(true));
  const hasRule = mayAct && suggestedRules(asked).length > 0;
  return (
    <li
      ref={item}
      data-approval={asked.id}
      aria-current={isCurrent}
      className="flex flex-col gap-2 border-l-2 border-l-transparent px-3 py-2.5 aria-[current=true]:border-l-accent aria-[current=true]:bg-sunken"
      onFocus={onEnter}
      onPointerDown={onEnter}
    >
      <Head asked={asked} isChosen={isChosen} onChoose={onChoose} />
      <Detail asked={asked} />
      {asked.proposal_id === null ? (
        <Answers {...{ asked, isPending, onAnswer, note, setNote }}>
          {hasRule && !isRuling ? (
            <Button look="quiet" disabled={isPending} onClick={() => setRuling(true)}>
              <ScrollText aria-hidden className="size-3.5" />
              Allow with a rule …
            </Button>
          ) : null}
        </Answers>
      ) : (
        <DisputeAnswers isPending={isPending} onAnswer={onAnswer} />
      )}
      {hasRule && isRuling ? (
        <MakeRule
          asked={asked}
          isPending={isPending}
          onMake={(rules) => onRule(rules, note)}
          onClose={() => setRuling(false)}
        />
      ) : null}
    </li>
  );
}

type AnswersProps = Pick<AskedProps, 'asked' | 'isPending' | 'onAnswer'> & {
  note: string;
  setNote: (note: string) => void;
  children: ReactNode;
};

function Answers({ asked, isPending, onAnswer, note, setNote, children }: AnswersProps) {
  const mayAct = useMayAct();
  const isQuestion = asked.kind === 'question';
  const title = mayAct ? undefined : 'You are logged in as a viewer, who sees and cannot act';
  return (
    <div className="flex flex-wrap items-center gap-2">
      <input
        className="field min-w-0 grow basis-full sm:basis-48"
        aria-label={isQuestion ? 'Your answer' : 'Note to the agent'}
        placeholder={isQuestion ? 'Your answer' : 'Note to the agent'}
        maxLength={4000}
        value={note}
        disabled={!mayAct}
        onChange={(event) => setNote(event.target.value)}
        onKeyDown={(event) => (event.key === 'Escape' ? event.currentTarget.blur() : undefined)}
      />
      <Button
        look="primary"
        disabled={!mayAct || isPending || (isQuestion && note.trim() === '')}
        title={title}
        onClick={() => onAnswer('allow', note)}
      >
        {isPending ? (
          <LoaderCircle aria-hidden className="size-3.5 animate-spin" />
        ) : (
          <Check aria-hidden className="size-3.5" />
        )}
        {isQuestion ? 'Answer' : 'Allow'}
      </Button>
      <Button look="danger" disabled={!mayAct || isPending} title={title} onClick={() => onAnswer('deny', note)}>
        <X aria-hidden className="size-3.5" />
        {isQuestion ? 'No answer' : 'Deny'}
      </Button>
      {children}
    </div>
  );
}

/** `r` opens the rule of what is marked. */
function useRuleKey(isOn: boolean, open: () => void): void {
  const latest = useRef(open);
  useEffect(() => {
    latest.current = open;
  });
  useEffect(() => {
    if (!isOn) return undefined;
    const press = (event: KeyboardEvent): void => {
      if (event.key !== 'r' || isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [isOn]);
}

/** Who asks, for which task, since when, and why it was not decided by a rule. */
function Head({ asked, isChosen, onChoose }: Pick<AskedProps, 'asked' | 'isChosen' | 'onChoose'>) {
  const mayAct = useMayAct();
  const isQuestion = asked.kind === 'question';
  return (
    <div className="flex items-start gap-2">
      {mayAct ? (
        <input
          type="checkbox"
          className="mt-1 size-4 shrink-0 accent-accent"
          aria-label={`Choose: ${asked.title}`}
          checked={isChosen}
          onChange={(event) => onChoose(event.target.checked)}
        />
      ) : null}
      <span className="min-w-0 grow">
        <span className="flex items-center gap-1.5 text-[13px] font-medium text-amber [&>svg]:size-3.5 [&>svg]:shrink-0">
          {ICONS[asked.kind]}
          <span className="min-w-0 truncate text-text">{headOf(asked)}</span>
        </span>
        <span className="block text-xs wrap-anywhere text-muted">
          <About asked={asked} />, on {asked.node_name}, <Age at={asked.created_at} />
          {isQuestion ? '' : ` · ${asked.why}`}
        </span>
      </span>
    </div>
  );
}

function headOf({ agent_name: agent, kind, tool, title, proposal_id: proposal }: Approval): string {
  if (proposal !== null) return title;
  return `${agent} ${kind === 'question' ? 'asks' : `wants ${tool}`}`;
}

const LINK = 'hover:text-text hover:underline';

const About = ({ asked }: Pick<AskedProps, 'asked'>) =>
  asked.proposal_id === null ? (
    <Link to="/tasks/$id" params={{ id: asked.task_id }} className={LINK}>
      {asked.task_title ?? 'a task'}
    </Link>
  ) : (
    <AboutDeal proposal={asked.proposal_id} className={LINK} />
  );

/** The exact command, change or question. */
function Detail({ asked }: { asked: Approval }) {
  const [whole, setWhole] = useState<string>();
  const [said, setSaid] = useState('');
  const load = async (): Promise<void> => {
    setSaid('Asking …');
    await api<Approval>('GET', approvalPath(asked.id)).then(
      ({ detail }) => {
        setWhole(detail);
        setSaid('');
      },
      (error: unknown) => setSaid(sayError(error)),
    );
  };
  const text = whole ?? asked.detail;
  return (
    <div className="flex min-w-0 flex-col gap-1">
      {asked.kind === 'edit' ? (
        <Patch text={text} label={`Change: ${asked.title}`} className="max-h-72" />
      ) : (
        <pre
          tabIndex={0}
          aria-label={asked.title}
          className="code max-h-56 overflow-auto wrap-anywhere whitespace-pre-wrap"
        >
          {text}
        </pre>
      )}
      {asked.truncated && whole === undefined ? (
        <p className="flex items-center gap-2 text-xs text-muted">
          This is only the beginning.
          <button type="button" className="text-accent underline" onClick={() => void load()}>
            Show all of it
          </button>
          <span role="status">{said}</span>
        </p>
      ) : null}
      {asked.cwd === null || asked.kind !== 'command' ? null : (
        <p className="text-xs wrap-anywhere text-muted">
          in <code className="font-mono">{asked.cwd}</code>
        </p>
      )}
    </div>
  );
}
