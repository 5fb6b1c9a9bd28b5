/** What an agent printed: live while it is at work on a task, else its last lines. */
import { useEffect, useState } from 'react';
import { agentPath, api, sayError } from '../model/api.ts';
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
  const [look, setLook] = useState(0);
  const [state, setState] = useState({ text: '', said: 'Asking …' });
  useEffect(() => {
    let isOver = false;
    api<{ output: string; status: string }>('GET', `${agentPath(id)}/output?lines=${LINES}`).then(
      ({ output, status }) => isOver || setState({ text: output, said: `Nothing printed (${status}).` }),
      (error: unknown) => isOver || setState({ text: '', said: sayError(error) }),
    );
    return () => {
      isOver = true;
    };
  }, [id, look]);
  return (
    <div className="flex flex-col gap-2">
      <Output text={state.text} label="Output" empty={state.said} />
      <Button className="self-start" onClick={() => setLook(look + 1)}>
        Look again
      </Button>
    </div>
  );
}
