/** Reads what Chromium traced. */

type TraceEvent = {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  tdur?: number;
  args?: { name?: string };
};

/** Of the main thread of the busiest page: its longest task, by the clock and in processor time, and which share of a core it used. */
export function longestTasks(trace: string): { wallMs: number; cpuMs: number; busyShare: number } {
  const { traceEvents }: { traceEvents: TraceEvent[] } = JSON.parse(trace);
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}:${tid}`),
  );
  const byThread = Map.groupBy(
    traceEvents.filter(({ name, ph, pid, tid }) => isTask(name) && ph === 'X' && mains.has(`${pid}:${tid}`)),
    ({ pid, tid }) => `${pid}:${tid}`,
  );
  const [busiest = []] = [...byThread.values()].toSorted((a, b) => spentUs(b) - spentUs(a));
  if (busiest.length === 0) throw new Error('the trace has no tasks of a page');
  const beganUs = Math.min(...busiest.map(({ ts }) => ts));
  const endedUs = Math.max(...busiest.map(({ ts, dur = 0 }) => ts + dur));
  return {
    wallMs: busiest.reduce((most, { dur = 0 }) => Math.max(most, dur), 0) / 1000,
    cpuMs: busiest.reduce((most, { tdur = 0 }) => Math.max(most, tdur), 0) / 1000,
    busyShare: busiest.reduce((sum, { tdur = 0 }) => sum + tdur, 0) / (endedUs - beganUs),
  };
}

/** The same tasks stand in another category under another name, too. */
const isTask = (name: string): boolean => name === 'RunTask';

const spentUs = (events: readonly TraceEvent[]): number => events.reduce((sum, { dur = 0 }) => sum + dur, 0);
