/** Nodes and the links between them, as this node sees them. */
import { useId } from 'react';
import type { SwarmNode } from '../model/frame.ts';
import type { Place } from '../model/graph.ts';
import { edgesOf, placesOf } from '../model/graph.ts';
import { plural } from '../model/needs.ts';
import { isOut, StatusBadge, statusWord } from './status.tsx';

/** Beyond, a list says more than a picture. */
const DRAWN_MAX = 24;
/** Names are written beside the nodes up to so many. */
const NAMED_MAX = 12;
const WIDTH = 360;
const HEIGHT = 180;
const RADIUS_X = 120;
const RADIUS_Y = 56;

export function NodeMap({ nodes }: { nodes: readonly SwarmNode[] }) {
  const shown = nodes.filter(({ status }) => !isOut(status));
  return (
    <div className="card flex flex-col gap-1 p-3">
      {shown.length > 1 && shown.length <= DRAWN_MAX ? <Picture nodes={shown} /> : null}
      <ul className="flex flex-col">
        {nodes.map((node) => (
          <li key={node.id} className="flex min-w-0 items-center gap-2 border-line py-1.5 not-first:border-t">
            <span className="min-w-0 truncate text-[13px] font-medium">{nameOf(node)}</span>
            <span className="font-mono text-xs text-muted">{node.id.slice(0, 8)}</span>
            <span className="grow" />
            <span className="text-xs whitespace-nowrap text-muted">
              {plural(node.agents, 'agent')}
              {node.round_trip_ms === null ? '' : ` · ${Math.max(1, Math.round(node.round_trip_ms))} ms`}
            </span>
            <StatusBadge status={node.status} />
          </li>
        ))}
      </ul>
    </div>
  );
}

const nameOf = ({ name, id }: SwarmNode): string => (name === '' ? id.slice(0, 8) : name);

const FILLS: Readonly<Record<string, string>> = {
  self: 'fill-accent-ground stroke-accent',
  alive: 'fill-green-ground stroke-green',
  suspect: 'fill-amber-ground stroke-amber',
  dead: 'fill-red-ground stroke-red',
};

function Picture({ nodes }: { nodes: readonly SwarmNode[] }) {
  const title = useId();
  const places = placesOf(nodes);
  const at = ({ x, y }: Place): { x: number; y: number } => ({
    x: WIDTH / 2 + x * RADIUS_X,
    y: HEIGHT / 2 + y * RADIUS_Y,
  });
  const summary = nodes.map((node) => `${nameOf(node)} ${statusWord(node.status)}`).join(', ');
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={title} className="mx-auto w-full max-w-sm">
      <title id={title}>{`Nodes: ${summary}`}</title>
      {edgesOf(places).map(({ key, from, to, isAlive }) => {
        const [a, b] = [at(from), at(to)];
        return (
          <line
            key={key}
            {...{ x1: a.x, y1: a.y, x2: b.x, y2: b.y }}
            className={isAlive ? 'stroke-line-strong' : 'stroke-red'}
            strokeWidth={1.5}
            strokeDasharray={isAlive ? undefined : '3 4'}
          />
        );
      })}
      {places.map((place) => {
        const { x, y } = at(place);
        return (
          <g key={place.node.id}>
            <circle
              cx={x}
              cy={y}
              r={11}
              strokeWidth={1.75}
              className={FILLS[place.node.status] ?? 'fill-grey-ground stroke-grey'}
            />
            <text
              x={x}
              y={y + 3.5}
              textAnchor="middle"
              className={`text-[10px] font-semibold ${place.node.status === 'self' ? 'fill-on-accent' : 'fill-text'}`}
            >
              {place.node.agents}
            </text>
            {nodes.length > NAMED_MAX ? null : (
              <text x={x} y={y + (place.y < -0.1 ? -17 : 25)} textAnchor="middle" className="fill-muted text-[11px]">
                {nameOf(place.node).slice(0, 18)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}
