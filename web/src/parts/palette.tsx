/** Ctrl K, or ⌘ K: to any page, agent or task, and to what can be done, by typing a few letters. */
import { Dialog } from '@base-ui/react/dialog';
import { useNavigate } from '@tanstack/react-router';
import type { KeyboardEvent } from 'react';
import { useDeferredValue, useEffect, useId, useMemo, useRef, useState } from 'react';
import type { Entry } from '../model/palette.ts';
import { found } from '../model/palette.ts';
import { nameOfNode, useMayAct, useStore } from '../model/store.ts';
import type { Swarm } from '../model/swarm.ts';
import { shortId, words } from '../model/text.ts';
import { chooseTheme } from './theme.tsx';

type Choice = Entry & { act: () => void };
type Props = { onNewTask: () => void };

export function Palette({ onNewTask }: Props) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const press = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== 'k' || !(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      setOpen((held) => !held);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  return (
    <Dialog.Root open={isOpen} onOpenChange={setOpen}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/40" />
        <Dialog.Popup className="fixed inset-x-2 top-[8vh] z-50 mx-auto flex max-h-[80vh] max-w-xl flex-col rounded-xl border border-line bg-surface shadow-xl">
          <Dialog.Title className="sr-only">Go to, or do</Dialog.Title>
          <Search onNewTask={onNewTask} onClose={() => setOpen(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Search({ onNewTask, onClose }: Props & { onClose: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const choices = useChoices(onNewTask);
  const wanted = useDeferredValue(text);
  const shown = useMemo(() => found(choices, wanted), [choices, wanted]);
  const chosen = Math.min(at, shown.length - 1);
  const box = useRef<HTMLUListElement>(null);
  useEffect(() => {
    box.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const take = (choice: Choice | undefined): void => {
    if (choice === undefined) return;
    onClose();
    choice.act();
  };
  const press = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((chosen + step + shown.length) % Math.max(1, shown.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      // Whoever types fast means what is typed now, not what was drawn last.
      const now = found(choices, text);
      take(now[Math.min(at, now.length - 1)]);
    }
  };
  return (
    <>
      <input
        role="combobox"
        aria-label="Page, agent, task or action"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={chosen < 0 ? undefined : `${list}-${chosen}`}
        autoComplete="off"
        placeholder="Page, agent, task or action …"
        value={text}
        className="w-full rounded-t-xl border-b border-line bg-transparent px-4 py-3 text-sm outline-none"
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={press}
      />
      <ul ref={box} id={list} role="listbox" aria-label="Found" className="min-h-0 overflow-y-auto p-1.5">
        {shown.map((choice, index) => (
          <li
            key={choice.key}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className="flex cursor-pointer items-baseline gap-3 rounded-md px-2.5 py-1.5 text-[13px] aria-selected:bg-grey-ground"
            onPointerMove={() => setAt(index)}
            onClick={() => take(choice)}
          >
            <span className="w-12 shrink-0 text-xs text-muted">{choice.kind}</span>
            <span className="min-w-0 grow truncate">{choice.title}</span>
            <span className="max-w-[45%] shrink-0 truncate text-xs text-muted">{choice.hint}</span>
          </li>
        ))}
        {shown.length === 0 ? <li className="px-2.5 py-1.5 text-[13px] text-muted">Nothing is called so.</li> : null}
      </ul>
    </>
  );
}

const PAGES = [
  ['/', 'Overview', 'what needs you'],
  ['/tasks', 'Tasks', 'table'],
  ['/tasks?view=board', 'Board', 'tasks in columns'],
  ['/tasks?group=failed', 'Failed tasks', ''],
  ['/agents', 'Agents', ''],
  ['/market', 'Market', 'proposals and deals'],
  ['/market?tab=skills', 'Skills', 'market: who can do what'],
  ['/market?tab=ratings', 'Ratings', 'market: leaderboard'],
  ['/market?tab=files', 'Files', 'market: what was handed over'],
  ['/boxes', 'Boxes', ''],
  ['/channels', 'Channels', 'messages, mailboxes, who is here'],
  ['/allocations', 'Allocations', ''],
  ['/settings?tab=projects', 'Projects', 'settings'],
  ['/settings?tab=rules', 'Rules', 'settings: what agents may do'],
  ['/settings?tab=limits', 'Limits', 'settings: how much runs at once'],
  ['/settings?tab=people', 'People and tokens', 'settings: log another browser in'],
  ['/settings?tab=nodes', 'Nodes', 'settings: links, join code'],
] as const;

/** As the swarm is when it is opened: a list that moves under the keys would take one to the wrong place. */
function useChoices(onNewTask: () => void): Choice[] {
  const navigate = useNavigate();
  const mayAct = useMayAct();
  return useMemo(() => {
    const go = (href: string) => (): void => void navigate({ href });
    const { swarm } = useStore.getState();
    const pages = PAGES.map(([href, title, hint]) => ({
      key: href,
      kind: 'Page' as const,
      title,
      hint,
      act: go(href),
    }));
    const theme = (['light', 'dark', 'system'] as const).map((one) => ({
      key: `theme ${one}`,
      kind: 'Action' as const,
      title: one === 'system' ? 'Colours as the system has them' : `${one === 'dark' ? 'Dark' : 'Light'} colours`,
      hint: '',
      act: () => chooseTheme(one),
    }));
    const create = { key: 'new task', kind: 'Action' as const, title: 'New task', hint: 'c', act: onNewTask };
    return [...pages, ...(mayAct ? [create] : []), ...theme, ...thingsOf(swarm, go)];
  }, [navigate, mayAct, onNewTask]);
}

function thingsOf(swarm: Swarm, go: (href: string) => () => void): Choice[] {
  const agents = [...swarm.agents.values()].map((agent) => ({
    key: agent.id,
    kind: 'Agent' as const,
    title: agent.name,
    hint: `${agent.tool} on ${nameOfNode(swarm, agent.node_id)}, ${agent.status}`,
    act: go(`/agents/${agent.id}`),
  }));
  const tasks = [...swarm.tasks.values()].map((task) => ({
    key: task.id,
    kind: 'Task' as const,
    title: task.title,
    hint: `${words(task.status)} ${shortId(task.id)}`,
    act: go(`/tasks/${task.id}`),
  }));
  return [...agents, ...tasks];
}
