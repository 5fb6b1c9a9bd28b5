/** Projects, rules, limits, people, and the machines of this swarm. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useSwarm } from '../model/store.ts';
import { Caps } from '../parts/caps.tsx';
import { Join } from '../parts/join.tsx';
import { Links } from '../parts/links.tsx';
import { NodeMap } from '../parts/map.tsx';
import { Projects } from '../parts/projects.tsx';
import { Rules } from '../parts/rules.tsx';
import type { Part } from '../parts/tabbed.tsx';
import { Tabbed } from '../parts/tabbed.tsx';
import { TakeOut } from '../parts/take-out.tsx';
import { Tokens } from '../parts/tokens.tsx';
import type { SettingsTab } from './search.ts';

const PARTS: readonly Part<SettingsTab>[] = [
  { value: 'projects', text: 'Projects', body: () => <Projects /> },
  { value: 'rules', text: 'Rules', body: () => <Rules /> },
  { value: 'limits', text: 'Limits', body: () => <Caps /> },
  { value: 'people', text: 'People and tokens', body: () => <Tokens /> },
  { value: 'nodes', text: 'Nodes', body: () => <Machines /> },
];

export function Settings() {
  const { tab = 'projects' } = useSearch({ from: '/settings' });
  const navigate = useNavigate({ from: '/settings' });
  return <Tabbed parts={PARTS} tab={tab} change={(next) => void navigate({ search: { tab: next }, replace: true })} />;
}

function Machines() {
  const nodes = useSwarm((swarm) => swarm.nodes);
  return (
    <div className="flex flex-col gap-6">
      <div>
        <NodeMap nodes={[...nodes.values()]} />
        <Links />
      </div>
      <Join />
      <TakeOut />
    </div>
  );
}
