/** Directed histories, each with what must come of it. `npm run sim -- --scenario NAME --trace` shows one. */
export const SCENARIOS: Readonly<Record<string, string>> = {
  'no-fault': `create t at 0; settle
    expect t completed attempts 1 voters 5`,
  'home-dies-before-grant': `create t at 0; die home after known t; settle
    expect t completed`,
  'home-dies-with-its-accepts-sent': `create t at 0; wait 0s after known t; die home after accept t; settle
    expect t completed`,
  'home-dies-after-grant': `create t at 0; die home after grant t; settle
    expect t completed`,
  'grantee-dies': `create t at 0; die grantee after start t; settle
    expect t completed attempts 2`,
  'grantee-restarts-with-its-agent-alive': `create t at 0; kill grantee after start t; wait 2s; start grantee; settle
    expect t completed attempts 1`,
  'grantee-restarts-with-its-agent-dead': `create t at 0; crash grantee after start t; wait 2s; start grantee; settle
    expect t completed attempts 2 late 0`,
  'grantee-killed-and-late': `create t at 0; kill grantee after start t; start grantee after over t; wait 30s; settle
    expect t completed attempts 2 late 1`,
  'grantee-cut-off-and-late': `swarm 5 work 150s
    create t at 0; cut grantee after start t
    heal grantee after end t 1; settle
    expect t completed attempts 2 late 1`,
  'grantee-paused-beyond-its-lease': `create t at 0; pause grantee after start t
    wait 60s; cut grantee # as a real link, which is given up after a minute of silence
    wake grantee after over t; heal; wait 30s; settle
    expect t completed attempts 2 late 1`,
  'short-cut-of-the-grantee': `create t at 0; cut grantee after start t; wait 30s; heal; settle
    expect t completed attempts 1 late 0`,
  'voter-dies': `create t at 0; die voter after known t; settle
    expect t completed attempts 1`,
  'long-cut-between-two-voters': `create t at 0; cut home-voter after known t; wait 300s; heal; settle
    expect t completed attempts 1`,
  'home-cut-off-with-3-voters-goes-on': `swarm 3 voters 3
    create t at 0; cut home after known t; wait 200s
    expect t completed at voter; heal; settle
    expect t completed`,
  'home-cut-off-with-1-voter-waits': `swarm 3 voters 1
    create t at 0; cut home after known t; wait 60s
    expect t pending|claimed at 1 voters 1; heal; settle
    expect t completed`,
  'home-down-with-1-voter-waits': `swarm 3 voters 1
    create t at 0; kill home after known t; wait 300s
    expect t pending|claimed at 1; start home; settle
    expect t completed`,
  'majority-away-is-told-and-decided-later': `create t at 0; wait 1s after start t; cut grantee; wait 40s
    expect t in_progress at 4; heal; settle
    expect t completed attempts 1 late 0`,
  'report-then-the-grantee-dies': `swarm 5 work 5s
    create t at 0; kill 2 after start t; kill 3; kill 4
    wait 1s after report t; die grantee; start 2; start 3; start 4; settle
    expect t completed attempts 1`,
  'two-creators-of-one-alias': `create t at 0 as one; create u at 1 as one; settle
    expect t completed attempts 1; expect u cancelled attempts 0|1`,
  'cancel-while-pending': `swarm 5 agents 0
    create t at 0; wait 1s; cancel t at 3; settle
    expect t cancelled attempts 0`,
  'cancel-races-with-the-grant': `create t at 0; cancel t at 0 after known t; settle
    expect t cancelled`,
  'cancel-races-with-completion': `swarm 5 work 2s
    create t at 0; wait 1.99s after start t; cancel t at 3; settle`,
  'dependent-waits-for-a-decided-end': `create t at 0; create u at 1 needs t; wait 5s
    expect u pending at 0; settle
    expect u completed`,
  'dependent-of-a-cancelled-task-is-cancelled': `swarm 5 agents 0
    create t at 0; create u at 1 needs t; wait 1s; cancel t at 2; settle
    expect u cancelled reason dependency`,
  'agents-do-not-starve-behind-a-task-that-cannot-be-decided': `swarm 3 voters 1 work 1s
    create t at 0; cut 0 after known t; wait 1s
    create u at 1; wait 60s
    expect u completed at 1; heal; settle`,
};
