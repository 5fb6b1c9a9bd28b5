/** Projects, rules, people, and the machines of this swarm. */
import { Tabs } from '@base-ui/react/tabs';
import { Links } from '../parts/links.tsx';
import { NodeMap } from '../parts/map.tsx';
import { useSwarm } from '../model/store.ts';
import { Join } from '../parts/join.tsx';
import { Projects } from '../parts/projects.tsx';
import { Rules } from '../parts/rules.tsx';
import { Tokens } from '../parts/tokens.tsx';

const TABS = [
  { value: 'projects', text: 'Projects' },
  { value: 'rules', text: 'Rules' },
  { value: 'people', text: 'People and tokens' },
  { value: 'nodes', text: 'Nodes' },
] as const;

const TAB =
  'min-h-8 rounded-md px-3 text-[13px] text-muted hover:text-text data-[active]:bg-grey-ground data-[active]:font-medium data-[active]:text-text';

export function Settings() {
  const nodes = useSwarm((swarm) => swarm.nodes);
  return (
    <Tabs.Root defaultValue="projects" className="mx-auto flex w-full max-w-4xl flex-col gap-5">
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
      <Tabs.Panel value="people">
        <Tokens />
      </Tabs.Panel>
      <Tabs.Panel value="nodes" className="flex flex-col gap-6">
        <NodeMap nodes={[...nodes.values()]} />
        <Links />
        <Join />
      </Tabs.Panel>
    </Tabs.Root>
  );
}
