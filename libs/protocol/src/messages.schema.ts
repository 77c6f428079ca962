import { z } from 'zod';

/**
 * Every message that agent and platform exchange below `/agent/v1`, as zod schemas with their inferred types.
 * A schema and its type share one name. Both sides parse what they receive; neither trusts the other's types.
 * Times are ISO 8601 strings of the platform's clock, durations end in `Ms`, memory is MiB, energy is micro-watt-hours.
 * Objects drop unknown fields, so that an older peer survives an added optional field.
 */

const Instant = z.iso.datetime({ offset: true });
const Uuid = z.uuid();
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex (64 characters)');
const Count = z.int().nonnegative();
/** A fencing token: grows with every attempt of a job and with every lease of a node; a smaller one than the stored one is stale. */
const FencingToken = z.int().positive();

/** A path below a checkpoint's folder: forward slashes, no empty part, no `.` or `..`, so it can never point outside. */
export const RelativePath = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/, 'must be a relative path of plain names')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'must not contain . or ..');

/** Accelerator class as used in `gpu_second:<class>`; `cpu` is the class of donors without a GPU. */
export const AcceleratorClass = z
  .string()
  .regex(/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/, 'must be a lower-case slug')
  .max(60);

export const Device = z.object({
  index: Count,
  vendor: z.enum(['nvidia', 'amd', 'cpu']),
  model: z.string().min(1).max(200),
  class: AcceleratorClass,
  uuid: z.string().max(100).nullable(),
  memoryMiB: Count,
  /** Power limit in watts, or null where the device does not tell. */
  powerLimitW: z.number().nonnegative().nullable(),
});
export type Device = z.infer<typeof Device>;

export const Inventory = z
  .object({
    source: z.enum(['nvidia-smi-table', 'nvidia-smi-csv', 'nvidia-smi-xml', 'rocm-smi', 'cpu']),
    /** Class this node donates: that of most of its devices. */
    class: AcceleratorClass,
    /** Devices of `class`; 1 for a CPU donor, however many cores it lends. */
    count: z.int().min(1).max(1024),
    driverVersion: z.string().max(60).nullable(),
    cudaVersion: z.string().max(60).nullable(),
    devices: z.array(Device).min(1).max(1024),
    host: z
      .object({
        os: z.string().max(100),
        arch: z.string().max(40),
        cpuModel: z.string().max(200),
        cpuCores: z.int().min(1).max(4096),
        memoryMiB: z.int().min(1),
        /** Version of PyTorch that torchrun would use, or null where there is none. */
        torch: z.string().max(60).nullable(),
      })
      .nullable(),
  })
  .refine(
    (inventory) => inventory.devices.filter((device) => device.class === inventory.class).length === inventory.count,
    {
      path: ['count'],
      message: 'must equal the number of devices of the stated class',
    },
  );
export type Inventory = z.infer<typeof Inventory>;

/** POST /join. Signed with the key that it announces; `keyid` is that key's thumbprint. */
export const JoinRequest = z.object({
  protocolVersion: z.int().min(1),
  joinToken: z.string().min(20).max(200),
  /** Raw 32-byte Ed25519 public key, base64url without padding. */
  publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be a raw Ed25519 public key in base64url (43 characters)'),
  name: z.string().trim().min(1).max(80),
  region: z.string().trim().min(1).max(40).nullable(),
  agentVersion: z.string().min(1).max(40),
  inventory: Inventory,
});
export type JoinRequest = z.infer<typeof JoinRequest>;

export const JoinResponse = z.object({
  nodeId: Uuid,
  /** What the node is called from now on: the join token's name where it has one, else the one that the agent gave. */
  name: z.string().min(1).max(80),
  heartbeatMs: z.int().positive(),
  serverTime: Instant,
});
export type JoinResponse = z.infer<typeof JoinResponse>;

/** Where a lease's process stands on the node. `ready`: port chosen, data in place; `exited`: ended by itself; `stopped`: ended by the agent. */
export const LeasePhase = z.enum(['ready', 'running', 'exited', 'stopped']);
export type LeasePhase = z.infer<typeof LeasePhase>;

/**
 * How energy was found. `rapl`: the CPU packages' own counters, apportioned by the share of cores lent.
 * `estimate:cpu-tdp-share`: 10 W for each core lent while busy. `estimate:gpu-power-limit`: the devices' power limit while busy.
 */
export const EnergyMethod = z.enum(['rapl', 'estimate:cpu-tdp-share', 'estimate:gpu-power-limit']);
export type EnergyMethod = z.infer<typeof EnergyMethod>;

export const LeaseReport = z.object({
  leaseId: Uuid,
  token: FencingToken,
  phase: LeasePhase,
  /** Free TCP port on this node, given with `ready` by every member; the platform uses that of rank 0. */
  rendezvousPort: z.int().min(1).max(65_535).optional(),
  step: Count.optional(),
  exitCode: z.int().optional(),
  /** Why a phase `exited` or `stopped` came about, for people and for the scheduler. */
  reason: z.object({ code: z.string().max(80), message: z.string().max(2_000) }).optional(),
  /** Milliseconds of monotonic time that the workload's process has been alive under this lease, never falling. */
  busyMs: Count,
  /** Energy used by the workload under this lease so far, in micro-watt-hours; with `energyMethod`. */
  energyMicroWh: Count,
  energyMethod: EnergyMethod,
});
export type LeaseReport = z.infer<typeof LeaseReport>;

/** POST /heartbeat. Lists every lease the node holds, so a lease that is missing has been lost on the node's side. */
export const HeartbeatRequest = z.object({
  /** Grows by at least one with each beat of one agent process; the platform ignores an older beat of the same boot. */
  seq: Count,
  /** Fresh for every agent process: a new one tells that everything before has ended. */
  bootId: Uuid,
  state: z.enum(['available', 'draining']),
  /** Host name or IP at which gang members reach this node. */
  address: z.string().min(1).max(255),
  leases: z.array(LeaseReport).max(64),
});
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;

export const RestorePoint = z.object({
  checkpointId: Uuid,
  step: Count.optional(),
  files: z
    .array(z.object({ path: RelativePath, sha256: Sha256, bytes: Count, url: z.string().min(1).max(2_000) }))
    .min(1),
});
export type RestorePoint = z.infer<typeof RestorePoint>;

/** All that an agent needs to start its part of a gang. */
export const LaunchSpec = z.object({
  runId: Uuid,
  attemptId: Uuid,
  /** Rank of this node in the gang, 0-based. */
  rank: Count,
  /** Nodes in the gang. */
  worldSize: z.int().min(1).max(10_000),
  /** Processes on this node: 1 unless a node lends several devices to one gang. */
  localWorldSize: z.int().min(1).max(64).default(1),
  masterAddr: z.string().min(1).max(255),
  masterPort: z.int().min(1).max(65_535),
  /** Name of a workload installed with the agent; never a path or a command. */
  workload: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    .max(60),
  driver: z.enum(['process', 'torchrun']),
  /** Hyper-parameters, written to the file that CW_CONFIG names. */
  config: z.record(z.string(), z.unknown()),
  restore: RestorePoint.nullable(),
  checkpointEverySteps: z.int().positive(),
  /** Additional variables; the agent's own and those that steer the loader are refused. */
  env: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string().max(4_000)),
});
export type LaunchSpec = z.infer<typeof LaunchSpec>;

/**
 * What the platform wants of one lease, in answer to a heartbeat. Level-triggered: repeated until it is so.
 * `prepare`: choose a port and answer `ready` · `start`: launch (`launch` is present), or renew when already running ·
 * `drain`: checkpoint and exit by `drainBy` · `stop`: end now. A lease that is not listed must be stopped.
 */
export const LeaseDirective = z.object({
  leaseId: Uuid,
  token: FencingToken,
  expiresAt: Instant,
  directive: z.enum(['prepare', 'start', 'stop', 'drain']),
  launch: LaunchSpec.optional(),
  drainBy: Instant.optional(),
});
export type LeaseDirective = z.infer<typeof LeaseDirective>;

/** How a chain of matrix products is cut: see challenge/challenge.plan.ts, which says what each number may be. */
export const ChallengePlan = z.object({
  side: z.int().positive(),
  segments: z.int().positive(),
  linksPerSegment: z.int().positive(),
  opened: z.int().positive(),
  rows: z.int().positive(),
  columns: z.int().positive(),
});

/** A hardware challenge that waits for this node; repeated until it is answered. */
export const ChallengeDirective = z.object({
  challengeId: Uuid,
  /** Which of the devices of the node's class, from 0. */
  device: Count,
  plan: ChallengePlan,
});
export type ChallengeDirective = z.infer<typeof ChallengeDirective>;

export const HeartbeatResponse = z.object({
  serverTime: Instant,
  heartbeatMs: z.int().positive(),
  /** `draining` when the platform asked this node to drain (operator or owner); the agent then finishes and leaves. */
  desiredState: z.enum(['available', 'draining']).default('available'),
  leases: z.array(LeaseDirective),
  challenges: z.array(ChallengeDirective).default([]),
});
export type HeartbeatResponse = z.infer<typeof HeartbeatResponse>;

/** POST /leases/:leaseId/logs. `offset` counts UTF-8 bytes from the start of the lease's log, dropped ones included. */
export const LogAppend = z.object({
  token: FencingToken,
  offset: Count,
  text: z.string().max(256 * 1024),
  /** Bytes lost just before `offset` because the agent's buffer was full. */
  droppedBytes: Count.default(0),
});
export type LogAppend = z.infer<typeof LogAppend>;

export const MetricPoint = z.object({
  step: Count,
  loss: z.number(),
  /** Tokens trained on since the start of the run. */
  tokens: Count,
  at: Instant,
  stepMs: z.number().nonnegative(),
  /** Floating-point operations that the hardware did since the start of the run, where the workload counts them. */
  hardwareFlop: z
    .string()
    .regex(/^\d{1,30}$/)
    .optional(),
});
export type MetricPoint = z.infer<typeof MetricPoint>;

/** POST /leases/:leaseId/metrics. A point repeated for a step replaces nothing: the first one stands. */
export const MetricsAppend = z.object({ token: FencingToken, points: z.array(MetricPoint).min(1).max(1_000) });
export type MetricsAppend = z.infer<typeof MetricsAppend>;

export const CheckpointFile = z.object({ path: RelativePath, bytes: Count, sha256: Sha256 });
export type CheckpointFile = z.infer<typeof CheckpointFile>;

/** POST /leases/:leaseId/checkpoints. Declaring the same step with the same files again answers the same checkpoint. */
export const CheckpointDeclare = z.object({
  token: FencingToken,
  step: Count,
  tokens: Count,
  loss: z.number(),
  files: z.array(CheckpointFile).min(1).max(1_000),
});
export type CheckpointDeclare = z.infer<typeof CheckpointDeclare>;

export const CheckpointDeclared = z.object({
  checkpointId: Uuid,
  /** Files still to be sent, each by PUT of its raw bytes to `url` (absolute, or a path on the platform). */
  uploads: z.array(z.object({ path: RelativePath, url: z.string().min(1).max(2_000) })),
});
export type CheckpointDeclared = z.infer<typeof CheckpointDeclared>;

/** POST /checkpoints/:checkpointId/complete. */
export const CheckpointComplete = z.object({ token: FencingToken });
export type CheckpointComplete = z.infer<typeof CheckpointComplete>;

/** POST /challenges/:id/start: the node is ready, and its time begins. Repeated, it answers the same. */
export const ChallengeStart = z.object({});
export const ChallengeStarted = z.object({
  /** 32 random bytes. */
  nonce: Sha256,
  answerBy: Instant,
});
export type ChallengeStarted = z.infer<typeof ChallengeStarted>;

/** POST /challenges/:id/commitment. The answer says what is looked at. */
export const ChallengeCommitment = z.object({ commitment: Sha256 });
export const ChallengeReveal = z.object({
  /** 32 random bytes, drawn after the commitment. */
  reveal: Sha256,
});
export type ChallengeReveal = z.infer<typeof ChallengeReveal>;

const Base64 = z.base64().max(2 ** 20);
/** POST /challenges/:id/opening. Whether it proves the commitment is told by the node's state. */
export const ChallengeOpening = z.object({
  opening: z
    .array(
      z.object({
        matrix: z.int().positive(),
        product: Base64,
        rowsRoot: Base64,
        path: z.array(Base64).max(16),
        rows: z.array(z.object({ bytes: Base64, path: z.array(Base64).max(16) })).max(256),
      }),
    )
    .max(128),
});
export type ChallengeOpening = z.infer<typeof ChallengeOpening>;

/** POST /drain: no new lease for this node; it goes on with those it has. */
export const DrainRequest = z.object({});
/** POST /leave: the node stops now. `retire` ends its enrolment for good: its key is refused from then on. */
export const LeaveRequest = z.object({ retire: z.boolean().default(false) });

/** Answer of calls that have nothing to tell. */
export const Acknowledged = z.object({ serverTime: Instant });
export type Acknowledged = z.infer<typeof Acknowledged>;

/** Body of every refusal. `serverTime` lets an agent with a wrong clock correct itself. */
export const ErrorBody = z.object({
  error: z.object({
    code: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
    message: z.string(),
    hint: z.string().optional(),
    detail: z.string().optional(),
    serverTime: Instant.optional(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
