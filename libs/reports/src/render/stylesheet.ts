/** Colours hold 4.5 : 1 against their background in both schemes. */
export const STYLESHEET = `
:root{--paper:#ffffff;--ink:#14181f;--muted:#4c5663;--grid:#d5dae1;--accent:#0b5cad;--good:#146c43;--bad:#a4262c;--band:#f4f6f9}
@media (prefers-color-scheme:dark){:root{--paper:#11151b;--ink:#e9edf3;--muted:#aab4c2;--grid:#333c48;--accent:#7ab8ff;--good:#6fd3a0;--bad:#ff9a94;--band:#1a2029}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:60rem;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.3rem;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--grid)}h3{font-size:1rem;margin:1.25rem 0 .25rem}
p{margin:.5rem 0;max-width:46rem}a{color:var(--accent)}
.skip{position:absolute;left:-100vw}.skip:focus{position:static}
nav ol{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;list-style:none;margin:1rem 0}
.scroll{overflow-x:auto;margin:1rem 0}.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}
caption{text-align:start;font-weight:600;padding:.25rem 0 .4rem}
th,td{padding:.4rem .6rem;border-bottom:1px solid var(--grid);text-align:start;vertical-align:top}
thead th{background:var(--band);font-weight:600}tbody th{font-weight:500}.end{text-align:end;white-space:nowrap}
code{font:.85em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
figure{margin:1rem 0}svg{width:100%;height:auto;font:13px system-ui,sans-serif}figcaption{color:var(--muted);font-size:.9rem}
.line{fill:none}.line.ink{stroke:var(--ink)}.line.muted{stroke:var(--muted)}.line.grid{stroke:var(--grid)}.line.accent{stroke:var(--accent)}.line.good{stroke:var(--good)}.line.bad{stroke:var(--bad)}
.fill.ink{fill:var(--ink)}.fill.muted{fill:var(--muted)}.fill.grid{fill:var(--grid)}.fill.accent{fill:var(--accent)}.fill.good{fill:var(--good)}.fill.bad{fill:var(--bad)}
@media print{:root{--paper:#fff;--ink:#000;--muted:#333;--grid:#bbb;--accent:#0b5cad;--good:#146c43;--bad:#a4262c;--band:#eee}body{max-width:none;padding:0;font-size:9.5pt}.skip,nav{display:none}h2{break-after:avoid}tr,figure{break-inside:avoid}thead{display:table-header-group}.scroll{overflow:visible}.end{white-space:normal}}
`;
