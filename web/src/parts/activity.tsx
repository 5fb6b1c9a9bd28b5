/** Throughput, queue and cost over time. The first answer is asked for; from then on it grows by what the page hears. */
import { lazy, Suspense, useEffect, useState } from 'react';
import type { Activity as Answer, Series, Span } from '../model/activity.ts';
import { carriedOn, pointsNow, sumsOf, usdText } from '../model/activity.ts';
import { api, sayError } from '../model/api.ts';
import { plural } from '../model/needs.ts';
import { useStore, useSwarm } from '../model/store.ts';
import { Choice, Section } from './layout.tsx';
import { useNow } from './time.tsx';

const Chart = lazy(() => import('./chart.tsx').then((loaded) => ({ default: loaded.Chart })));

const SPANS = [
  { value: 'minute', text: '3 hours' },
  { value: 'hour', text: '7 days' },
] as const;

export function Activity() {
  const [span, setSpan] = useState<Span>('minute');
  const { series, said } = useSeries(span);
  return (
    <Section
      title="Over time"
      side={
        <div className="-my-1">
          <Choice label="How far back" options={SPANS} value={span} onChange={setSpan} />
        </div>
      }
    >
      {series === undefined ? (
        <p className="card h-40 p-3 text-[13px] text-muted sm:h-44">{said}</p>
      ) : (
        <Charts series={series} />
      )}
    </Section>
  );
}

/** Asked again after a break that was too long to be told of, when everything is told anew. */
function useSeries(span: Span): { series: Series | undefined; said: string } {
  const [series, setSeries] = useState<Series>();
  const [said, setSaid] = useState('Asking …');
  const snapshots = useSwarm((swarm) => swarm.snapshots);
  useEffect(() => {
    if (snapshots === 0) return undefined;
    let isOver = false;
    api<Answer>('GET', `api/swarm/activity?by=${span}`).then(
      (answer) => isOver || setSeries({ answer, heard: useStore.getState().swarm.heard }),
      (error: unknown) => isOver || setSaid(sayError(error)),
    );
    return () => {
      isOver = true;
    };
  }, [span, snapshots]);
  const nowMs = useNow();
  const { heard, node } = useStore.getState().swarm;
  const next =
    series === undefined ? undefined : carriedOn(series, { heard, waiting: node?.tasks.pending ?? 0, nowMs });
  if (next !== series) setSeries(next);
  return { series: next, said };
}

/** Drawn once a second at most, however much happens. */
function Charts({ series }: { series: Series }) {
  const { heard, node } = useStore.getState().swarm;
  const waiting = node?.tasks.pending ?? 0;
  const points = pointsNow(series, { heard, waiting });
  const times = points.map(({ at }) => Date.parse(at) / 1_000);
  const { completed, failed, costUsd } = sumsOf(points);
  const most = points.reduce((held, point) => Math.max(held, point.waiting), 0);
  const whole = (value: number): string => (Number.isInteger(value) ? value.toLocaleString('en') : '');
  return (
    <div className="card grid grid-cols-1 divide-line max-sm:divide-y sm:grid-cols-3 sm:divide-x">
      <One name="Ended" text={`${completed.toLocaleString('en')} completed, ${failed.toLocaleString('en')} failed`}>
        <Chart
          times={times}
          least={1}
          format={whole}
          lines={[
            { name: 'completed', values: points.map((one) => one.completed), color: '--green', isFilled: true },
            { name: 'failed', values: points.map((one) => one.failed), color: '--red' },
          ]}
        />
      </One>
      <One name="Waiting" text={`${plural(waiting, 'task')} now, at most ${most.toLocaleString('en')}`}>
        <Chart
          times={times}
          least={1}
          format={whole}
          lines={[{ name: 'waiting', values: points.map((one) => one.waiting), color: '--blue', isFilled: true }]}
        />
      </One>
      <One name="Cost" text={costUsd === 0 ? 'nothing with a known price' : usdText(costUsd)}>
        <Chart
          times={times}
          least={0.01}
          format={usdText}
          lines={[{ name: 'cost', values: points.map((one) => one.cost_usd), color: '--amber', isFilled: true }]}
        />
      </One>
    </div>
  );
}

function One({ name, text, children }: { name: string; text: string; children: React.ReactNode }) {
  return (
    <figure aria-label={`${name}: ${text}`} className="flex min-w-0 flex-col gap-1 p-3">
      <figcaption className="flex min-w-0 items-baseline gap-2 text-xs">
        <span className="font-medium">{name}</span>
        <span className="truncate text-muted tabular-nums">{text}</span>
      </figcaption>
      <Suspense fallback={<div className="h-[120px]" />}>{children}</Suspense>
    </figure>
  );
}
