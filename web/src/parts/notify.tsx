/** Tells of what needs a person while they look elsewhere, for whoever turned that on. One message at a time, and none of what was there before. */
import { useNavigate } from '@tanstack/react-router';
import { Bell, BellOff, BellRing } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { openApprovals } from '../model/approvals.ts';
import { needsOf } from '../model/needs.ts';
import type { News } from '../model/news.ts';
import { messageOf, waitingOf } from '../model/news.ts';
import { useStore } from '../model/store.ts';

const KEY = 'skep-notify';
/** What comes together is told together, and no more often than this. */
const GAP_MS = 10_000;
const SOON_MS = 1_000;

/** A browser tells nothing on behalf of a page that came over a line which others can read. */
const isSupported = (): boolean => 'Notification' in window && window.isSecureContext;

function isKept(): boolean {
  try {
    return localStorage.getItem(KEY) === 'on';
  } catch {
    return false;
  }
}

export function NotifyButton() {
  const [isOn, setOn] = useState(() => isSupported() && isKept() && Notification.permission === 'granted');
  const [said, setSaid] = useState('');
  useTelling(isOn);
  if (!isSupported()) return null;
  // Asked only by a press of this button.
  const press = async (): Promise<void> => {
    const permission = isOn ? 'granted' : await Notification.requestPermission();
    const next = !isOn && permission === 'granted';
    setOn(next);
    setSaid(permission === 'denied' ? 'This browser refuses: allow notifications for this page in its settings' : '');
    try {
      localStorage.setItem(KEY, next ? 'on' : 'off');
    } catch {
      // It is only forgotten with the page then.
    }
  };
  const Icon = said !== '' ? BellOff : isOn ? BellRing : Bell;
  const text = said !== '' ? said : isOn ? 'Tells you when something needs you' : 'Tell me when something needs me';
  return (
    <button
      type="button"
      aria-pressed={isOn}
      aria-label="Notifications when something needs you"
      title={text}
      className="rounded-md p-1.5 text-muted hover:bg-grey-ground hover:text-text aria-pressed:text-accent"
      onClick={() => void press()}
    >
      <Icon aria-hidden className="size-4" />
      <span role="status" className="sr-only">
        {said}
      </span>
    </button>
  );
}

/** From when it is turned on; what needed somebody already is on the page. */
function useTelling(isOn: boolean): void {
  const navigate = useNavigate();
  const go = useRef(navigate);
  useEffect(() => {
    go.current = navigate;
  });
  useEffect(() => {
    if (!isOn) return undefined;
    let known: ReadonlySet<string> | undefined;
    let waiting: News[] = [];
    let timer: number | undefined;
    let toldMs = -Infinity;
    const tell = (): void => {
      timer = undefined;
      const message = messageOf(waiting);
      waiting = [];
      if (message === undefined || isLookedAt()) return;
      toldMs = performance.now();
      show(message.title, message.text, () => void go.current({ href: message.address }));
    };
    const look = (): void => {
      const { swarm } = useStore.getState();
      if (swarm.node === undefined) return;
      const all = waitingOf(openApprovals(swarm), needsOf(swarm));
      const before = known;
      known = new Set(all.map(({ key }) => key));
      if (before === undefined) return;
      // What was dealt with meanwhile is not told of any more.
      waiting = [...waiting, ...all.filter(({ key }) => !before.has(key))].filter(({ key }) => known?.has(key));
      if (waiting.length > 0) timer ??= window.setTimeout(tell, Math.max(SOON_MS, toldMs + GAP_MS - performance.now()));
    };
    look();
    const stop = useStore.subscribe(look);
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [isOn]);
}

const isLookedAt = (): boolean => document.visibilityState === 'visible' && document.hasFocus();

/** In place of the one before. Phones allow it only to workers, of which this page has none. */
function show(title: string, body: string, onOpen: () => void): void {
  try {
    const told = new Notification(title, { body, tag: 'skep' });
    told.addEventListener('click', () => {
      window.focus();
      told.close();
      onOpen();
    });
  } catch {
    // The title of the page says how much waits.
  }
}
