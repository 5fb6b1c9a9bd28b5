/** Where the code of tasks comes from and goes back to. */
import { FolderGit2 } from 'lucide-react';
import { api } from '../model/api.ts';
import type { Project } from '../model/frame.ts';
import { nameOfNode, useSwarm } from '../model/store.ts';
import { Empty, Field, Section } from './layout.tsx';
import { Entry, SettingsForm, typedOnly } from './settings-form.tsx';

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
  return (
    <Entry path={`api/swarm/projects/${encodeURIComponent(project.id)}`}>
      {(said) => (
        <span className="min-w-0 grow basis-64 wrap-anywhere">
          <span className="block font-medium">{project.name}</span>
          <span className="block font-mono text-xs wrap-anywhere text-muted">{project.origin}</span>
          <span className="block text-xs text-muted">
            {project.base === null ? 'its own main branch' : project.base}, registered on {node}
            {project.setup === null ? '' : `, set up by ${project.setup}`}
          </span>
          {said}
        </span>
      )}
    </Entry>
  );
}

function AddProject() {
  const send = async (given: Readonly<Record<string, string>>): Promise<string> => {
    const { name } = await api<Project>('POST', 'api/swarm/projects', typedOnly(given));
    return `Registered ${name}.`;
  };
  return (
    <SettingsForm title="Register a project" verb="Register" send={send}>
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
    </SettingsForm>
  );
}
