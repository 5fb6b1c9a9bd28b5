/** The one picture that all parts of the page read. */
import { create } from 'zustand';
import { api } from './api.ts';
import type { Status } from './frame.ts';
import { follow } from './stream.ts';
import type { Swarm } from './swarm.ts';
import { fold, NOTHING } from './swarm.ts';

export type Connection = 'connecting' | 'live' | 'reconnecting';
export type Me = { principal: string; role: 'operator' | 'viewer' | 'node' };

type Held = {
  swarm: Swarm;
  connection: Connection;
  /** The code with which the node stopped by itself, until it is there again. */
  stopped: number | undefined;
  me: Me | undefined;
};

export const useStore = create<Held>(() => ({
  swarm: NOTHING,
  connection: 'connecting',
  stopped: undefined,
  me: undefined,
}));

/** When the node last said anything; not in the store, since nobody draws anew for it. */
export const lastHeard = { ms: Date.now() };

/** Counts are asked for again at most so often. */
const COUNT_GAP_MS = 1_000;

/** Begins to follow the node. The returned function ends it. */
export function start(): () => void {
  const { setState, getState } = useStore;
  let count: number | undefined;
  void api<Me>('GET', 'api/me').then(
    (me) => setState({ me }),
    () => undefined,
  );
  const recount = async (): Promise<void> => {
    count = undefined;
    const node = await api<Status>('GET', 'api/swarm/status').catch(() => undefined);
    const { swarm } = getState();
    if (node !== undefined) setState({ swarm: { ...swarm, node, isStatusDue: false } });
  };
  const stop = follow({
    frames: (frames) => {
      const swarm = fold(getState().swarm, frames, Date.now());
      setState({ swarm });
      if (swarm.isStatusDue) count ??= window.setTimeout(() => void recount(), COUNT_GAP_MS);
    },
    connection: (connection) => setState(connection === 'live' ? { connection, stopped: undefined } : { connection }),
    stopped: (stopped) => setState({ stopped }),
    heard: () => {
      lastHeard.ms = Date.now();
    },
    loggedOut: () => location.reload(),
    cursor: () => getState().swarm.cursor,
  });
  return () => {
    clearTimeout(count);
    stop();
  };
}

export const useSwarm = <T>(select: (swarm: Swarm) => T): T => useStore(({ swarm }) => select(swarm));

/** A viewer sees and cannot act; the node says so too. */
export const useMayAct = (): boolean => useStore(({ me }) => me !== undefined && me.role !== 'viewer');

export const nameOfNode = (swarm: Swarm, id: string | null): string => {
  const name = id === null ? '' : (swarm.nodes.get(id)?.name ?? '');
  return name === '' ? (id ?? '').slice(0, 8) : name;
};
export const nameOfAgent = (swarm: Swarm, id: string | null): string =>
  id === null ? '' : (swarm.agents.get(id)?.name ?? 'an agent that is gone');
