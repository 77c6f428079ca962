import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The only place of the agent that reads the environment. A flag wins over its variable, a variable over the default. */
export interface AgentConfig {
  /** Folder of key, state and lease data. */
  home: string;
  server: string | undefined;
  token: string | undefined;
  /** Folder with package.json, that installed entries are looked up from. */
  installRoot: string;
  workloadsDir: string;
  python: string;
  /** Variables of the donor's environment that a workload may see. */
  passedOn: Readonly<Record<string, string>>;
}

export interface ConfigFlags {
  home?: string | undefined;
  server?: string | undefined;
  token?: string | undefined;
  workloads?: string | undefined;
  python?: string | undefined;
}

const PASSED_ON = [
  'PATH',
  'LANG',
  'LC_ALL',
  'TZ',
  'SYSTEMROOT',
  'LD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'ROCR_VISIBLE_DEVICES',
];

export function readConfig(flags: ConfigFlags, env: NodeJS.ProcessEnv = process.env): AgentConfig {
  const installRoot = findInstallRoot(dirname(fileURLToPath(import.meta.url)));
  const passedOn = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const python =
    flags.python ??
    env['COMMONWEIGHTS_AGENT_PYTHON'] ??
    (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');
  return {
    home: resolve(flags.home ?? env['COMMONWEIGHTS_AGENT_HOME'] ?? join(homedir(), '.commonweights-agent')),
    server: (flags.server ?? env['COMMONWEIGHTS_SERVER'])?.replace(/\/+$/, ''),
    token: flags.token ?? env['COMMONWEIGHTS_JOIN_TOKEN'],
    installRoot,
    workloadsDir: resolve(flags.workloads ?? env['COMMONWEIGHTS_WORKLOADS'] ?? join(installRoot, 'workloads')),
    python,
    passedOn,
  };
}

/** Goes up to the nearest package.json: the same from `apps/agent/src` and from `dist/apps/agent/src`. */
function findInstallRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return from;
  }
}
