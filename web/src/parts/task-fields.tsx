/** All that a task may say beside its title and description. */
import type { ReactNode } from 'react';
import { useEffect, useRef, useState } from 'react';
import type { Task } from '../model/frame.ts';
import { useSwarm } from '../model/store.ts';
import { isEnded } from '../model/swarm.ts';
import { EVERYTHING, filterTasks } from '../model/tasks.ts';
import type { Values } from '../model/templates.ts';
import { shortId } from '../model/text.ts';
import { Field } from './layout.tsx';

/** Tasks offered at once; the search finds the others. */
const OFFERED_MAX = 50;

export function TaskFields({ values, isMany }: { values: Values; isMany: boolean }) {
  const projects = useSwarm((swarm) => swarm.projects);
  return (
    <>
      <Row>
        <Field label="Project" hint="Work comes back as commits">
          <select name="project" defaultValue={values['project']} className="field">
            <option value="">none: an empty folder</option>
            {[...projects.values()].map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Capabilities" hint="All of them; a shell agent needs shell">
          <input name="capabilities" defaultValue={values['capabilities']} placeholder="shell, php" className="field" />
        </Field>
      </Row>
      <Limits values={values} />
      <Dependencies />
      <Field label="Context" hint="What helps to understand the task">
        <textarea name="context" rows={2} defaultValue={values['context']} className="field resize-y" />
      </Field>
      <Row>
        <Field label="Who works it" hint="At once: also without a majority, and it may run twice">
          <select name="claims" defaultValue={values['claims']} className="field">
            <option value="">decided by its voters</option>
            <option value="optimistic">at once, wherever it is seen</option>
          </select>
        </Field>
        {isMany ? null : (
          <Field label="Own id" hint="An alias that it is found by">
            <input name="id" maxLength={128} className="field" />
          </Field>
        )}
      </Row>
      <Field
        label="Copy the conversation of"
        hint="Id of a task; its agent works this one, and begins with what it knew there"
      >
        <input name="fork" maxLength={200} defaultValue={values['fork']} className="field" />
      </Field>
      {isMany ? null : (
        <Field label="In place of" hint="Id of a task; what waits for that accepts either">
          <input name="supersedes" maxLength={200} className="field" />
        </Field>
      )}
    </>
  );
}

const Limits = ({ values }: { values: Values }) => (
  <>
    <Row>
      <Field label="Priority" hint="Higher goes first">
        <input name="priority" type="number" step={1} defaultValue={values['priority'] ?? 0} className="field" />
      </Field>
      <Field label="Attempts" hint="Before it counts as failed">
        <input
          name="attempts_max"
          type="number"
          min={1}
          max={20}
          defaultValue={values['attempts_max'] ?? 3}
          className="field"
        />
      </Field>
    </Row>
    <Row>
      <Field label="Time limit" hint="Seconds an attempt; empty for none">
        <input
          name="time_limit_s"
          type="number"
          min={1}
          max={604_800}
          defaultValue={values['time_limit_s']}
          className="field"
        />
      </Field>
      <Field label="Budget" hint="US dollars for all attempts; empty for none">
        <input
          name="budget_usd"
          type="number"
          min={0}
          step="any"
          defaultValue={values['budget_usd']}
          className="field"
        />
      </Field>
    </Row>
    <Row>
      <Field label="Base branch" hint="Empty: the project's own">
        <input name="base" maxLength={255} defaultValue={values['base']} className="field" />
      </Field>
      <Field label="Folder" hint="On the agent's machine, without a project">
        <input
          name="project_path"
          defaultValue={values['project_path']}
          placeholder="/home/you/project"
          className="field"
        />
      </Field>
    </Row>
  </>
);

const Row = ({ children }: { children: ReactNode }) => (
  <div className="grid grid-cols-1 gap-3 sm:auto-cols-fr sm:grid-flow-col">{children}</div>
);

/** Chosen ones stay, whatever is searched for then. */
function Dependencies() {
  const tasks = useSwarm((swarm) => swarm.tasks);
  const [chosen, setChosen] = useState<ReadonlyMap<string, Task>>(new Map());
  const [text, setText] = useState('');
  const box = useRef<HTMLFieldSetElement>(null);
  const isAny = [...tasks.values()].some((task) => !isEnded(task)) || chosen.size > 0;
  useEffect(() => {
    const form = box.current?.form;
    const clear = (): void => setChosen(new Map());
    form?.addEventListener('reset', clear);
    return () => form?.removeEventListener('reset', clear);
  }, [isAny]);
  const open = [...tasks.values()].filter((task) => !isEnded(task));
  const found = filterTasks(open, { ...EVERYTHING, text }, () => '').filter(({ id }) => !chosen.has(id));
  if (!isAny) return null;
  const choose = (task: Task, isChosen: boolean): void => {
    const next = new Map(chosen);
    if (isChosen) next.set(task.id, task);
    else next.delete(task.id);
    setChosen(next);
  };
  return (
    <fieldset ref={box} className="flex flex-col gap-1.5 text-[13px]">
      <legend className="mb-1 font-medium">Waits for</legend>
      <input
        type="search"
        aria-label="Search tasks to wait for"
        placeholder={`Search ${open.length} open ones`}
        value={text}
        className="field"
        onChange={(event) => setText(event.target.value)}
        // It belongs to the list, not to the task.
        onKeyDown={(event) => (event.key === 'Enter' ? event.preventDefault() : undefined)}
      />
      <div className="flex max-h-40 flex-col overflow-y-auto rounded-md border border-line-strong p-1">
        {[...chosen.values(), ...found.slice(0, OFFERED_MAX)].map((task) => (
          <label key={task.id} className="flex items-center gap-2 rounded px-1.5 py-1 hover:bg-sunken">
            <input
              type="checkbox"
              name="depends_on"
              value={task.id}
              checked={chosen.has(task.id)}
              onChange={(event) => choose(task, event.target.checked)}
            />
            <span className="min-w-0 grow truncate">{task.title}</span>
            <span className="font-mono text-xs text-muted">{shortId(task.id)}</span>
          </label>
        ))}
        {found.length > OFFERED_MAX ? (
          <p className="px-1.5 py-1 text-xs text-muted">and {found.length - OFFERED_MAX} more</p>
        ) : null}
      </div>
    </fieldset>
  );
}
