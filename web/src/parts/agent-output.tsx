/** What an agent printed: live while it is at work on a task, else its last lines. */
import { agentPath } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import { useTaskOutput } from '../model/output.ts';
import { Button } from './button.tsx';
import { Output } from './output.tsx';

const LINES = 500;

export function AgentOutput({ id, task }: { id: string; task: string | null }) {
  return task === null ? <LastOutput id={id} /> : <LiveOutput task={task} />;
}

function LiveOutput({ task }: { task: string }) {
  const { text, said } = useTaskOutput(task, true);
  return <Output text={text} label="Output, live" empty={said} />;
}

function LastOutput({ id }: { id: string }) {
  const { answer, said, again } = useAsked<{ output: string; status: string }>(
    `${agentPath(id)}/output?lines=${LINES}`,
    id,
  );
  return (
    <div className="flex flex-col gap-2">
      <Output
        text={answer?.output ?? ''}
        label="Output"
        empty={answer === undefined ? said : `Nothing printed (${answer.status}).`}
      />
      <Button className="self-start" onClick={again}>
        Look again
      </Button>
    </div>
  );
}
