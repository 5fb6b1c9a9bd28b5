/** What stands around every page: where one is, which node this is, whether it is live. */
import { Link, Outlet, useNavigate } from '@tanstack/react-router';
import type { LucideIcon } from 'lucide-react';
import type { LinkProps } from '@tanstack/react-router';
import { Bot, Ellipsis, Hash, LayoutDashboard, ListChecks, Plus, Settings2, Store } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import icon from './icon.svg';
import { useMayAct, useStore, useSwarm } from './model/store.ts';
import { needsOf } from './model/needs.ts';
import { Button } from './parts/button.tsx';
import { ConnectionState } from './parts/connection.tsx';
import { CreateTask } from './parts/create-task.tsx';
import { Window } from './parts/dialog.tsx';
import { isTyping } from './parts/keys.ts';
import { NotifyButton } from './parts/notify.tsx';
import { Palette } from './parts/palette.tsx';
import { Stopped } from './parts/stopped.tsx';
import { ThemeButton } from './parts/theme.tsx';

/** `isWide`: where there is room; else it is found under More. */
const PLACES: readonly { to: LinkProps['to']; text: string; icon: LucideIcon; isWide?: boolean }[] = [
  { to: '/', text: 'Overview', icon: LayoutDashboard },
  { to: '/tasks', text: 'Tasks', icon: ListChecks },
  { to: '/agents', text: 'Agents', icon: Bot },
  { to: '/channels', text: 'Channels', icon: Hash, isWide: true },
  { to: '/market', text: 'Market', icon: Store, isWide: true },
  { to: '/settings', text: 'Settings', icon: Settings2 },
  { to: '/more', text: 'More', icon: Ellipsis },
];

export function Shell() {
  const [isCreating, setCreating] = useState(false);
  const navigate = useNavigate();
  const startNew = useCallback(() => setCreating(true), []);
  const mayAct = useMayAct();
  useTitle();
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.key !== 'c' || isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      event.preventDefault();
      setCreating(true);
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
  return (
    <>
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:bg-surface focus:p-2"
      >
        To the content
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-surface">
        <div className="mx-auto flex h-12 max-w-[100rem] items-center gap-2 px-4 sm:gap-4">
          <Link to="/" className="flex items-center gap-2 font-semibold">
            <img src={icon} alt="" className="size-5" /> skep
          </Link>
          <Navigation className="hidden h-full gap-1 md:flex" />
          <span className="grow" />
          <NodeName />
          <ConnectionState />
          <NotifyButton />
          <ThemeButton />
          <Button look="primary" disabled={!mayAct} onClick={() => setCreating(true)} title="New task (c)">
            <Plus aria-hidden className="size-4" />
            <span className="max-lg:sr-only">New task</span>
          </Button>
        </div>
      </header>
      <main id="main" tabIndex={-1} className="mx-auto max-w-[100rem] px-4 pt-5 pb-24 outline-none md:pb-10">
        <Stopped />
        <Outlet />
      </main>
      <Navigation className="fixed inset-x-0 bottom-0 z-30 grid h-14 grid-cols-5 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden" />
      <Palette onNewTask={startNew} />
      <Window title="New task" isOpen={isCreating} onClose={() => setCreating(false)}>
        <CreateTask
          isOpen
          onCreated={({ id }, count) => {
            setCreating(false);
            void (count === 1 ? navigate({ to: '/tasks/$id', params: { id } }) : navigate({ to: '/tasks' }));
          }}
        />
      </Window>
    </>
  );
}

function Navigation({ className }: { className: string }) {
  return (
    <nav aria-label="Pages" className={className}>
      {PLACES.map(({ to, text, icon: Icon, isWide = false }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: to === '/' }}
          className={`${isWide ? 'max-xl:hidden' : ''} flex items-center justify-center gap-1.5 border-transparent px-2 text-[13px] lg:px-3 text-muted hover:text-text aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-text max-md:flex-col max-md:gap-0.5 max-md:border-t-2 max-md:text-[11px] md:border-b-2`}
        >
          <Icon aria-hidden className="size-4" />
          {text}
        </Link>
      ))}
    </nav>
  );
}

function NodeName() {
  const node = useSwarm((swarm) => swarm.node);
  const me = useStore((held) => held.me);
  if (node === undefined) return null;
  return (
    <span
      className="flex min-w-0 items-baseline gap-2 text-[13px] max-sm:hidden"
      title={`${node.node_id}, version ${node.version}`}
    >
      <span className="truncate font-medium">{node.name}</span>
      <span className="font-mono text-xs text-muted max-lg:hidden">{node.node_id.slice(0, 8)}</span>
      {me?.role === 'viewer' ? (
        <span className="rounded-full bg-grey-ground px-2 text-xs text-grey">viewer</span>
      ) : null}
    </span>
  );
}

/** A tab in the background says how much waits for its reader. */
function useTitle(): void {
  const name = useSwarm((swarm) => swarm.node?.name ?? '');
  const needs = useSwarm((swarm) => needsOf(swarm).length);
  useEffect(() => {
    const title = name === '' ? 'skep' : `${name} · skep`;
    document.title = needs === 0 ? title : `(${needs}) ${title}`;
  }, [name, needs]);
}
