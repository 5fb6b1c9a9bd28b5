/** The form that makes tasks: a title is enough, the rest unfolds. */
import { ChevronDown } from 'lucide-react';
import type { FormEvent, RefObject } from 'react';
import { useRef, useState } from 'react';
import { api, sayError } from '../model/api.ts';
import type { Task } from '../model/frame.ts';
import { bodyOf, createMany, titlesOf } from '../model/new-tasks.ts';
import { plural } from '../model/needs.ts';
import { useMayAct } from '../model/store.ts';
import type { Values } from '../model/templates.ts';
import { shortId } from '../model/text.ts';
import { Said, useAction } from './action.tsx';
import { Button } from './button.tsx';
import { Field } from './layout.tsx';
import { TaskFields } from './task-fields.tsx';
import { Templates } from './templates.tsx';

const create = (body: Record<string, unknown>): Promise<Task> => api<Task>('POST', 'api/swarm/tasks', body);

/** `isOpen`: with all fields shown. `onCreated` gets the new task, or the last of several. */
type Props = { isOpen: boolean; onCreated: (task: Task, count: number) => void };

export function CreateTask(props: Props) {
  const mayAct = useMayAct();
  // A template fills the form anew.
  const [filled, setFilled] = useState<{ key: number; values: Values }>({ key: 0, values: {} });
  if (!mayAct)
    return (
      <p className="text-[13px] text-muted">You are logged in as a viewer: you see all of it, and create nothing.</p>
    );
  return (
    <Form
      key={filled.key}
      {...props}
      isOpen={props.isOpen || filled.key > 0}
      values={filled.values}
      onFill={(values) => setFilled({ key: filled.key + 1, values })}
    />
  );
}

type Wanted = { form: RefObject<HTMLFormElement | null>; isMany: boolean; onCreated: Props['onCreated'] };

function useCreate({ form, isMany, onCreated }: Wanted) {
  return useAction(async (given: FormData) => {
    if (!isMany) {
      const task = await create(bodyOf(given));
      onCreated(task, 1);
      return `Created ${shortId(task.id)}.`;
    }
    const wanted = { body: bodyOf(given), isChain: given.get('chain') !== null };
    const { tasks, left, error } = await createMany(titlesOf(given), wanted, create);
    const last = tasks.at(-1);
    const lines = form.current?.elements.namedItem('titles');
    // What is not created stays where it was typed.
    if (lines instanceof HTMLTextAreaElement) lines.value = left.join('\n');
    const [first = ''] = left;
    if (error !== undefined) throw new Error(`Created ${tasks.length}. ${first}: ${sayError(error)}`);
    if (first !== '') throw new Error(`Created ${tasks.length}, which are as many as at once: the rest is left.`);
    if (last !== undefined) onCreated(last, tasks.length);
    return `Created ${plural(tasks.length, 'task')}.`;
  });
}

function Form({ isOpen, values, onCreated, onFill }: Props & { values: Values; onFill: (values: Values) => void }) {
  const form = useRef<HTMLFormElement>(null);
  const [isMore, setMore] = useState(isOpen);
  // Once they were shown they stay, with what was typed into them.
  const [wasMore, setWasMore] = useState(isOpen);
  const [isMany, setMany] = useState(false);
  const action = useCreate({ form, isMany, onCreated });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (await action.run(new FormData(event.currentTarget))) form.current?.reset();
  };
  return (
    <form
      ref={form}
      aria-label="New task"
      autoComplete="off"
      className="flex flex-col gap-3"
      onSubmit={(event) => void submit(event)}
    >
      <div className="flex items-start gap-2">
        {isMany ? <Titles /> : <Title value={values['title']} />}
        <Button look="primary" type="submit" disabled={action.state.kind === 'pending'}>
          {action.state.kind === 'pending' ? 'Creating …' : 'Create'}
        </Button>
      </div>
      <Field label="Description">
        <textarea
          name="description"
          rows={isMore ? 5 : 2}
          defaultValue={values['description']}
          placeholder="Everything the agent has to know. For a shell agent: the script."
          className="field resize-y font-mono text-xs leading-5"
        />
      </Field>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <button
          type="button"
          aria-expanded={isMore}
          className="flex items-center gap-1 rounded-md text-[13px] text-muted hover:text-text"
          onClick={() => {
            setMore(!isMore);
            setWasMore(true);
          }}
        >
          <ChevronDown aria-hidden className={`size-3.5 transition-transform ${isMore ? '' : '-rotate-90'}`} />
          Project, capabilities, priority, dependencies …
        </button>
        <label className="flex items-center gap-1.5 text-[13px] text-muted">
          <input type="checkbox" checked={isMany} onChange={(event) => setMany(event.target.checked)} />
          several at once
        </label>
      </div>
      <div className={isMore ? 'flex flex-col gap-3' : 'hidden'}>
        {wasMore ? <TaskFields values={values} isMany={isMany} /> : null}
      </div>
      <Said state={action.state} />
      {isMore ? <Templates form={form} onFill={onFill} /> : null}
    </form>
  );
}

const Title = ({ value }: { value: string | undefined }) => (
  <label className="min-w-0 grow">
    <span className="sr-only">Title</span>
    <input
      name="title"
      required
      maxLength={1000}
      defaultValue={value}
      placeholder="What should be done?"
      className="field"
    />
  </label>
);

const Titles = () => (
  <div className="flex min-w-0 grow flex-col gap-1.5">
    <label>
      <span className="sr-only">Titles, one a line</span>
      <textarea
        name="titles"
        required
        rows={4}
        placeholder={'One task a line.\nAll else is the same for all of them.'}
        className="field resize-y"
      />
    </label>
    <label className="flex items-center gap-1.5 text-[13px]">
      <input type="checkbox" name="chain" /> each waits for the one before
    </label>
  </div>
);
