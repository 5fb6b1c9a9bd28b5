/** The fastest honest peer: validates the task, keeps it in memory, answers. Nothing survives the process. */
import { randomUUID } from 'node:crypto';
import type { TaskInput } from './task-input.ts';
import { serveTasks } from './task-input.ts';

type Task = TaskInput & { id: string; status: string; created_at: string };

const tasks = new Map<string, Task>();

await serveTasks((input) => {
  const task = { id: randomUUID(), status: 'pending', created_at: new Date().toISOString(), ...input };
  tasks.set(task.id, task);
  return task;
});
