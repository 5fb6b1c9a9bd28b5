/** Where the code of tasks comes from and goes back to. */
import { FolderGit2 } from 'lucide-react';
import type { FormEvent } from 'react';
import { api } from '../model/api.ts';
import type { Project } from '../model/frame.ts';
import { nameOfNode, useMayAct, useSwarm } from '../model/store.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Button } from './button.tsx';
import { Empty, Field, Section } from './layout.tsx';

export function Projects() {
  const projects = useSwarm((swarm) => swarm.projects);
  return (
    <div className="flex flex-col gap-6">
      <Section title="Projects" count={projects.size}>
        {projects.size === 0 ? (
          <Empty icon={<FolderGit2 />} title="No projects registered">
            <p>
              A project is a git repository. Its tasks work in a clone of their own and bring commits; a task without
              one runs in an empty folder.
            </p>
          </Empty>
        ) : (
          <ul className="card divide-y divide-line">
            {[...projects.values()].map((project) => (
              <Row key={project.id} project={project} />
            ))}
          </ul>
        )}
      </Section>
      <AddProject />
    </div>
  );
}

function Row({ project }: { project: Project }) {
  const node = useSwarm((swarm) => nameOfNode(swarm, project.node_id));
  const remove = useAction(async () => {
    await api('DELETE', `api/swarm/projects/${encodeURIComponent(project.id)}`);
    return 'Removed.';
  });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5">
      <span className="min-w-0 grow basis-64 wrap-anywhere">
        <span className="block text-[13px] font-medium">{project.name}</span>
        <span className="block font-mono text-xs wrap-anywhere text-muted">{project.origin}</span>
        <span className="block text-xs text-muted">
          {project.base === null ? 'its own main branch' : project.base}, registered on {node}
          {project.setup === null ? '' : `, set up by ${project.setup}`}
        </span>
        <Said state={remove.state} />
      </span>
      <ActionButton action={remove} look="quiet" confirm="Really remove?">
        Remove
      </ActionButton>
    </li>
  );
}

function AddProject() {
  const mayAct = useMayAct();
  const action = useAction(async (body: Record<string, unknown>) => {
    const { name } = await api<Project>('POST', 'api/swarm/projects', body);
    return `Registered ${name}.`;
  });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = [...new FormData(form)].filter(([, value]) => value !== '');
    if (await action.run(Object.fromEntries(given))) form.reset();
  };
  if (!mayAct) return null;
  return (
    <Section title="Register a project">
      <form className="card flex flex-col gap-3 p-4" onSubmit={(event) => void submit(event)}>
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          <Field label="Name">
            <input name="name" required maxLength={64} className="field" />
          </Field>
          <Field label="Base branch" hint="Empty: the repository's own">
            <input name="base" maxLength={255} className="field" />
          </Field>
        </div>
        <Field label="Origin" hint="A URL that git clone takes, or a path on this node's machine">
          <input name="origin" required placeholder="https://example.org/app.git" className="field font-mono" />
        </Field>
        <Field label="Set up" hint="A shell command run in each new worktree, before the agent">
          <input name="setup" placeholder="npm ci" className="field font-mono" />
        </Field>
        <div className="flex items-center gap-3">
          <Button type="submit" disabled={action.state.kind === 'pending'}>
            Register
          </Button>
          <Said state={action.state} />
        </div>
      </form>
    </Section>
  );
}
