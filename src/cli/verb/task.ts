/** `skep task …`: tasks as the swarm has them. */
import type { Group } from '../verb.ts';
import { taskAllow, taskCancel, taskCreate } from './task-change.ts';
import { taskList, taskShow, taskTimeline } from './task-look.ts';
import { taskTranscript } from './transcript.ts';
import { taskOpen } from './task-open.ts';
import { taskDiff, taskFetch, taskMerge, taskOutput } from './task-work.ts';

export const task: Group = {
  name: 'task',
  summary: 'list, show, create and cancel tasks; their output, diff and merge',
  leaves: [
    taskList,
    taskShow,
    taskCreate,
    taskAllow,
    taskCancel,
    taskOutput,
    taskTranscript,
    taskDiff,
    taskFetch,
    taskMerge,
    taskTimeline,
    taskOpen,
  ],
};
