/** The form that makes a task: a title is enough, the rest unfolds. */
import { ChevronDown } from 'lucide-react';
import type { FormEvent, ReactNode } from 'react';
import { useState } from 'react';
import { api } from '../model/api.ts';
import type { Task } from '../model/frame.ts';
import { useMayAct, useSwarm } from '../model/store.ts';
import { isEnded } from '../model/swarm.ts';
import { shortId } from '../model/text.ts';
import { Said, useAction } from './action.tsx';
import { Button } from './button.tsx';
import { listOf, textOf } from './form.ts';
import { Field } from './layout.tsx';

/** Open tasks that can be chosen to wait for. */
const DEPENDENCIES_MAX = 200;

/** `isOpen`: with all fields shown. `onCreated` gets the new task. */
export function CreateTask({ isOpen, onCreated }: { isOpen: boolean; onCreated: (task: Task) => void }) {
  const [isMore, setMore] = useState(isOpen);
  // Once they were shown they stay, with what was typed into them.
  const [wasMore, setWasMore] = useState(isOpen);
  const mayAct = useMayAct();
  const action = useAction(async (body: Record<string, unknown>) => {
    const task = await api<Task>('POST', 'api/swarm/tasks', body);
    onCreated(task);
    return `Created ${shortId(task.id)}.`;
  });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (await action.run(bodyOf(new FormData(form)))) form.reset();
  };
  if (!mayAct)
    return (
      <p className="text-[13px] text-muted">You are logged in as a viewer: you see all of it, and create nothing.</p>
    );
  return (
    <form
      aria-label="New task"
      autoComplete="off"
      className="flex flex-col gap-3"
      onSubmit={(event) => void submit(event)}
    >
      <div className="flex gap-2">
        <label className="min-w-0 grow">
          <span className="sr-only">Title</span>
          <input name="title" required maxLength={1000} placeholder="What should be done?" className="field" />
        </label>
        <Button look="primary" type="submit" disabled={action.state.kind === 'pending'}>
          {action.state.kind === 'pending' ? 'Creating …' : 'Create'}
        </Button>
      </div>
      <Field label="Description">
        <textarea
          name="description"
          rows={isMore ? 5 : 2}
          placeholder="Everything the agent has to know. For a shell agent: the script."
          className="field resize-y font-mono text-xs leading-5"
        />
      </Field>
      <button
        type="button"
        aria-expanded={isMore}
        className="flex items-center gap-1 self-start rounded-md text-[13px] text-muted hover:text-text"
        onClick={() => {
          setMore(!isMore);
          setWasMore(true);
        }}
      >
        <ChevronDown aria-hidden className={`size-3.5 transition-transform ${isMore ? '' : '-rotate-90'}`} />
        Project, capabilities, priority, dependencies …
      </button>
      <div className={isMore ? 'flex flex-col gap-3' : 'hidden'}>{wasMore ? <MoreFields /> : null}</div>
      <Said state={action.state} />
    </form>
  );
}

function MoreFields() {
  const projects = useSwarm((swarm) => swarm.projects);
  return (
    <>
      <Row>
        <Field label="Project" hint="Work comes back as commits">
          <select name="project" className="field">
            <option value="">none: an empty folder</option>
            {[...projects.values()].map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Capabilities" hint="All of them; a shell agent needs shell">
          <input name="capabilities" placeholder="shell, php" className="field" />
        </Field>
      </Row>
      <Row>
        <Field label="Priority" hint="Higher goes first">
          <input name="priority" type="number" step={1} defaultValue={0} className="field" />
        </Field>
        <Field label="Attempts" hint="Before it counts as failed">
          <input name="attempts_max" type="number" min={1} max={20} defaultValue={3} className="field" />
        </Field>
        <Field label="Time limit" hint="Seconds; empty for none">
          <input name="time_limit_s" type="number" min={1} max={604_800} className="field" />
        </Field>
      </Row>
      <Row>
        <Field label="Base branch" hint="Empty: the project's own">
          <input name="base" maxLength={255} className="field" />
        </Field>
        <Field label="Folder" hint="On the agent's machine, without a project">
          <input name="project_path" placeholder="/home/you/project" className="field" />
        </Field>
      </Row>
      <Dependencies />
      <Field label="Context" hint="What helps to understand the task">
        <textarea name="context" rows={2} className="field resize-y" />
      </Field>
    </>
  );
}

const Row = ({ children }: { children: ReactNode }) => (
  <div className="grid grid-cols-1 gap-3 sm:auto-cols-fr sm:grid-flow-col">{children}</div>
);

function Dependencies() {
  const tasks = useSwarm((swarm) => swarm.tasks);
  const open = [...tasks.values()].filter((task) => !isEnded(task)).slice(0, DEPENDENCIES_MAX);
  if (open.length === 0) return null;
  return (
    <fieldset className="flex flex-col gap-1 text-[13px]">
      <legend className="mb-1 font-medium">Waits for</legend>
      <div className="flex max-h-32 flex-col overflow-y-auto rounded-md border border-line-strong p-1">
        {open.map(({ id, title }) => (
          <label key={id} className="flex items-center gap-2 rounded px-1.5 py-1 hover:bg-sunken">
            <input type="checkbox" name="depends_on" value={id} />
            <span className="min-w-0 grow truncate">{title}</span>
            <span className="font-mono text-xs text-muted">{shortId(id)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Fields that are empty are left out: the node has its own words for what is missing. */
function bodyOf(form: FormData): Record<string, unknown> {
  const text = (name: string): string => textOf(form, name);
  const number = (name: string): number | undefined => (text(name) === '' ? undefined : Number(text(name)));
  const orNone = (name: string): string | undefined => (text(name) === '' ? undefined : text(name));
  return {
    title: text('title'),
    description: orNone('description'),
    context: orNone('context'),
    project: orNone('project'),
    project_path: orNone('project_path'),
    base: orNone('base'),
    required_capabilities: listOf(form, 'capabilities'),
    priority: number('priority'),
    attempts_max: number('attempts_max'),
    time_limit_s: number('time_limit_s'),
    depends_on: form.getAll('depends_on'),
  };
}
