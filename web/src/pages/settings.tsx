/** Projects, rules, limits, people, and the machines of this swarm. */
import { Tabs } from '@base-ui/react/tabs';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useSwarm } from '../model/store.ts';
import { Caps } from '../parts/caps.tsx';
import { Join } from '../parts/join.tsx';
import { Links } from '../parts/links.tsx';
import { NodeMap } from '../parts/map.tsx';
import { Projects } from '../parts/projects.tsx';
import { Rules } from '../parts/rules.tsx';
import { TAB } from '../parts/tabs.ts';
import { TakeOut } from '../parts/take-out.tsx';
import { Tokens } from '../parts/tokens.tsx';
import type { SettingsTab } from './search.ts';

const TABS: readonly { value: SettingsTab; text: string }[] = [
  { value: 'projects', text: 'Projects' },
  { value: 'rules', text: 'Rules' },
  { value: 'limits', text: 'Limits' },
  { value: 'people', text: 'People and tokens' },
  { value: 'nodes', text: 'Nodes' },
];

/** The tab stands in the address, so that it can be sent. */
export function Settings() {
  const { tab = 'projects' } = useSearch({ from: '/settings' });
  const navigate = useNavigate({ from: '/settings' });
  const nodes = useSwarm((swarm) => swarm.nodes);
  const change = (value: unknown): void => {
    const next = TABS.find((one) => one.value === value)?.value;
    if (next !== undefined) void navigate({ search: { tab: next }, replace: true });
  };
  return (
    <Tabs.Root value={tab} onValueChange={change} className="mx-auto flex w-full max-w-4xl flex-col gap-5">
      <Tabs.List className="flex flex-wrap gap-1">
        {TABS.map(({ value, text }) => (
          <Tabs.Tab key={value} value={value} className={TAB}>
            {text}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="projects">
        <Projects />
      </Tabs.Panel>
      <Tabs.Panel value="rules">
        <Rules />
      </Tabs.Panel>
      <Tabs.Panel value="limits">
        <Caps />
      </Tabs.Panel>
      <Tabs.Panel value="people">
        <Tokens />
      </Tabs.Panel>
      <Tabs.Panel value="nodes" className="flex flex-col gap-6">
        <div>
          <NodeMap nodes={[...nodes.values()]} />
          <Links />
        </div>
        <Join />
        <TakeOut />
      </Tabs.Panel>
    </Tabs.Root>
  );
}
