/// The console's one style sheet: light and dark by the reader's preference, from a desk's width to a phone's.
///
/// Every pair of text and ground holds WCAG AA's 4.5 to 1. Colour never speaks alone: a state has its word, a drop its count.
enum StyleSheet {
    static let text = #"""
        :root {
            color-scheme: light dark;
            --ground: #f4f6f7; --card: #ffffff; --inset: #f4f6f7; --line: #dbe1e5; --line-strong: #b9c3ca;
            --ink: #15202a; --quiet: #53616c; --water: #0a6373; --water-soft: #d9ecef; --water-line: #5fa9b5;
            --good: #1b6b40; --good-soft: #dff1e6; --warn: #7a4f00; --warn-soft: #fbeecb; --bad: #ab1f17; --bad-soft: #fdebe9;
            --shadow: 0 1px 2px rgb(20 32 42 / 6%), 0 4px 14px rgb(20 32 42 / 4%);
            --mono: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
        }
        @media (prefers-color-scheme: dark) {
            :root {
                --ground: #0e1418; --card: #161f25; --inset: #10181d; --line: #28343c; --line-strong: #43525c;
                --ink: #e4ebef; --quiet: #9eaeb9; --water: #6fcbd8; --water-soft: #143841; --water-line: #3b8391;
                --good: #7fd3a3; --good-soft: #15352a; --warn: #efc062; --warn-soft: #3a2e12; --bad: #ff948b; --bad-soft: #3c1d1c;
                --shadow: none;
            }
        }
        *, ::before, ::after { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; scroll-padding-top: 4.5rem; }
        body {
            margin: 0; background: var(--ground); color: var(--ink);
            font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
            font-variant-numeric: tabular-nums;
        }
        h1, h2, h3, p, ol, ul, dl, dd, figure { margin: 0; padding: 0; }
        ol, ul { list-style: none; }
        h1 { font-size: 1.45rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.012em; text-wrap: balance; }
        h2 { font-size: 1.02rem; font-weight: 650; letter-spacing: -0.005em; }
        a { color: var(--water); text-underline-offset: 0.18em; text-decoration-thickness: 1px; }
        a:hover { text-decoration-thickness: 2px; }
        code, .mono { font-family: var(--mono); font-size: 0.86em; }
        :focus-visible { outline: 2px solid var(--water); outline-offset: 2px; border-radius: 4px; }
        [hidden] { display: none !important; }
        .away { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .skip { position: absolute; left: 0.5rem; top: -4rem; background: var(--card); padding: 0.5rem 0.9rem; z-index: 9; }
        .skip:focus { top: 0.5rem; }
        .quiet { color: var(--quiet); }
        .nowrap { white-space: nowrap; }
        .number { text-align: right; }

        /* The bar on top. */
        .bar { background: var(--card); border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 5; }
        .bar > div, main { max-width: 1320px; margin: 0 auto; padding: 0 1.25rem; }
        .bar > div { display: flex; align-items: center; gap: 0.5rem 1.5rem; min-height: 3.25rem; }
        .brand { display: inline-flex; align-items: center; gap: 0.5rem; color: var(--ink); font-weight: 700; text-decoration: none; }
        .brand svg { width: 1.5rem; height: 1.5rem; color: var(--water); }
        .bar nav ul { display: flex; gap: 0.15rem; }
        .bar nav a { display: block; padding: 0.3rem 0.7rem; border-radius: 6px; color: var(--quiet); text-decoration: none; }
        .bar nav a:hover { color: var(--ink); background: var(--inset); }
        .bar nav a[aria-current] { color: var(--water); background: var(--water-soft); font-weight: 600; }
        .live { margin-left: auto; display: flex; align-items: center; gap: 0.75rem; color: var(--quiet); font-size: 0.87rem; }
        button {
            font: inherit; font-size: 0.87rem; font-weight: 550; color: var(--ink); background: var(--card);
            border: 1px solid var(--line-strong); border-radius: 7px; padding: 0.28rem 0.8rem; cursor: pointer;
        }
        button:hover { border-color: var(--quiet); background: var(--inset); }
        button.primary { background: var(--water); border-color: var(--water); color: var(--card); }
        button.primary:hover { filter: brightness(1.12); }
        button:disabled { opacity: 0.6; cursor: progress; }

        main { padding-top: 1.6rem; padding-bottom: 3rem; display: grid; gap: 1.25rem; }
        main > * { min-width: 0; }
        .headline { display: grid; gap: 0.25rem; }
        .headline p { color: var(--quiet); max-width: 75ch; }
        .flows { display: flex; flex-wrap: wrap; gap: 0.4rem; margin-top: 0.5rem; }
        .flows a { padding: 0.15rem 0.7rem; border: 1px solid var(--line-strong); border-radius: 99px; text-decoration: none; }
        .flows a[aria-current] { background: var(--water-soft); border-color: var(--water-line); }

        /* States: a dot, a word. */
        .state { display: inline-flex; align-items: center; gap: 0.4em; white-space: nowrap; font-weight: 550; }
        .state::before { content: ""; width: 0.55em; height: 0.55em; border-radius: 50%; background: currentColor; flex: none; }
        .state.good { color: var(--good); } .state.warn { color: var(--warn); } .state.bad { color: var(--bad); }
        .state.busy { color: var(--water); } .state.idle { color: var(--quiet); }
        .state.busy::before, .state.pulse::before { animation: pulse 1.8s ease-in-out infinite; }
        @keyframes pulse { 50% { opacity: 0.35; } }

        /* The picture: five hops and the channel between them. */
        .picture { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 1.9rem; }
        .hop {
            position: relative; display: flex; flex-direction: column; min-width: 0; background: var(--card);
            border: 1px solid var(--line); border-radius: 12px; padding: 0.85rem 0.95rem 0.75rem; box-shadow: var(--shadow);
        }
        .hop.down { border-color: var(--bad); }
        .hop header { display: flex; align-items: center; gap: 0.5rem; color: var(--quiet); font-size: 0.8rem; font-weight: 550; }
        .hop header svg { width: 1.15rem; height: 1.15rem; color: var(--water); flex: none; }
        .hop header .state { margin-left: auto; font-size: 0.76rem; }
        .hop h3 { font-size: 0.88rem; font-weight: 600; margin-top: 0.3rem; overflow-wrap: anywhere; line-height: 1.35; min-height: 2.7em; }
        .hop h3 a { color: inherit; text-decoration-color: var(--line-strong); }
        .count { font-size: 1.85rem; font-weight: 650; letter-spacing: -0.025em; line-height: 1.1; margin-top: 0.35rem; white-space: nowrap; }
        .count.word { font-size: 1.3rem; line-height: 1.563; letter-spacing: -0.01em; }
        .unit { color: var(--quiet); font-size: 0.82rem; }
        .spark { display: block; width: 100%; height: 2rem; margin: 0.55rem 0 0.45rem; color: var(--water); overflow: visible; }
        .spark .area { fill: currentColor; opacity: 0.13; stroke: none; }
        .spark .line { fill: none; stroke: currentColor; stroke-width: 1.6; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
        .spark .base { stroke: var(--line-strong); stroke-width: 1; vector-effect: non-scaling-stroke; }
        .facts { font-size: 0.82rem; border-top: 1px solid var(--line); padding-top: 0.45rem; margin-top: auto; display: grid; gap: 0.1rem; }
        .facts div { display: flex; justify-content: space-between; gap: 0.6rem; }
        .facts dt { color: var(--quiet); flex: none; }
        .facts dd { font-weight: 550; text-align: right; overflow-wrap: anywhere; min-width: 0; }
        .problem { color: var(--bad); font-size: 0.82rem; overflow-wrap: anywhere; margin-top: 0.4rem; }
        .channel { position: absolute; left: 100%; top: 3.1rem; width: 1.9rem; height: 1.2rem; color: var(--water-line); }
        .channel path { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linecap: round; stroke-linejoin: round; }
        .channel .stream { stroke-dasharray: 3.5 5.5; }
        .flowing .channel { color: var(--water); }
        .flowing .channel .stream { animation: stream 0.9s linear infinite; }
        @keyframes stream { to { stroke-dashoffset: -9; } }
        .spill {
            position: absolute; left: 50%; bottom: 0; transform: translate(-50%, 55%); padding: 0.2rem 0.8rem; border-radius: 99px;
            background: var(--bad-soft); border: 1px solid var(--bad); color: var(--bad); font-size: 0.84rem; font-weight: 650;
            white-space: nowrap;
        }
        .hop:has(.spill:not([hidden])) { padding-bottom: 1.3rem; }
        .strip { display: flex; gap: 3px; height: 2rem; align-items: flex-end; margin: 0.55rem 0 0.45rem; }
        .strip span { flex: 0 1 0.6rem; height: 1.1rem; border-radius: 3px; background: currentColor; opacity: 0.85; }
        .strip .good { color: var(--good); } .strip .bad { color: var(--bad); } .strip .busy { color: var(--water-line); }
        .strip .warn { color: var(--warn); } .strip .idle { color: var(--line-strong); }

        /* Panels. */
        .panels { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.25rem; align-items: start; }
        .panel { background: var(--card); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); min-width: 0; }
        .panel.wide { grid-column: 1 / -1; }
        .panel > header { display: flex; align-items: baseline; flex-wrap: wrap; gap: 0.1rem 0.8rem; padding: 0.8rem 1rem 0.55rem; }
        .panel > header p { color: var(--quiet); font-size: 0.85rem; overflow-wrap: anywhere; }
        .panel > header .end { margin-left: auto; }
        .panel .empty { padding: 0.2rem 1rem 1.1rem; color: var(--quiet); max-width: 70ch; }
        .scroll { overflow-x: auto; max-width: 100%; }
        .scroll.tall { max-height: 21rem; overflow-y: auto; }
        .scroll.tall.short { max-height: 14.8rem; }
        table { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
        th, td { text-align: left; padding: 0.34rem 0.6rem; border-top: 1px solid var(--line); vertical-align: top; }
        th:first-child, td:first-child { padding-left: 1rem; } th:last-child, td:last-child { padding-right: 1rem; }
        thead th { color: var(--quiet); font-weight: 550; font-size: 0.8rem; white-space: nowrap; background: var(--card); }
        .tall thead th { position: sticky; top: 0; box-shadow: inset 0 -1px var(--line); border-top: 0; z-index: 1; }
        tbody th { font-weight: 550; }
        td.number, th.number { text-align: right; white-space: nowrap; }
        td.value { width: 100%; max-width: 0; }
        td.cell { max-width: 15rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        tr.fresh > * { animation: fresh 1.6s ease-out; }
        @keyframes fresh { from { background: var(--water-soft); } }
        details > summary { cursor: pointer; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        details[open] > summary { white-space: normal; color: var(--quiet); }
        pre {
            margin: 0.4rem 0; padding: 0.6rem 0.75rem; background: var(--inset); border: 1px solid var(--line); border-radius: 8px;
            font: 0.8rem/1.5 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto;
        }
        .bars { display: block; width: 100%; height: 3.6rem; color: var(--water); }
        .bars rect { fill: currentColor; opacity: 0.85; } .bars .base { stroke: var(--line-strong); vector-effect: non-scaling-stroke; }
        .chart { padding: 0 1rem 0.6rem; }
        .chart figcaption { color: var(--quiet); font-size: 0.8rem; }
        #boxes table { min-width: 46rem; }
        .dropped { border-color: var(--bad); border-left-width: 4px; }
        .dropped h2 { color: var(--bad); }
        .dropped .body { padding: 0 1rem 0.9rem; display: grid; gap: 0.5rem; }
        .reason { font-size: 1.02rem; font-weight: 600; overflow-wrap: anywhere; }
        .pairs { display: flex; flex-wrap: wrap; gap: 0.25rem 1.6rem; font-size: 0.87rem; }
        .pairs div { display: flex; gap: 0.45rem; min-width: 0; } .pairs dt { color: var(--quiet); }
        .pairs dd { font-weight: 550; overflow-wrap: anywhere; }
        .notice { padding: 0.7rem 1rem; border: 1px solid var(--bad); border-radius: 10px; background: var(--bad-soft); color: var(--bad); }
        .notice.mild { border-color: var(--warn); background: var(--warn-soft); color: var(--warn); }
        #notices:empty { display: none; }
        .notice p + p { margin-top: 0.2rem; }

        /* DAGs. */
        .dag > header { align-items: center; padding-bottom: 0.35rem; }
        .dag h2 { font-family: var(--mono); font-size: 0.98rem; }
        .dag .about { padding: 0 1rem 0.8rem; display: grid; gap: 0.5rem; }
        .dag .columns { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 7fr); border-top: 1px solid var(--line); }
        .dag .columns > div { min-width: 0; } .dag .columns > div + div { border-left: 1px solid var(--line); }
        .dag .columns h3 { font-size: 0.85rem; font-weight: 600; padding: 0.6rem 1rem 0.35rem; color: var(--quiet); }
        .runs { max-height: 26rem; overflow-y: auto; }
        .run {
            display: grid; grid-template-columns: auto 1fr auto; gap: 0 0.8rem; width: 100%; text-align: left; border: 0; border-radius: 0;
            border-top: 1px solid var(--line); padding: 0.45rem 1rem; font-weight: 400; background: none; align-items: baseline;
        }
        .run[aria-pressed="true"] { background: var(--water-soft); }
        .run:focus-visible, summary:focus-visible { outline-offset: -2px; }
        .run .mono { grid-column: 1 / -1; color: var(--quiet); overflow-wrap: anywhere; font-size: 0.78rem; }
        .log { margin: 0; border: 0; border-top: 1px solid var(--line); border-radius: 0 0 12px 0; min-height: 6rem; max-height: 26rem; }
        .log .warn { color: var(--warn); } .log .bad { color: var(--bad); } .log time, .log .level { color: var(--quiet); }
        .tags { display: flex; gap: 0.35rem; flex-wrap: wrap; }
        .tag { padding: 0 0.55rem; border-radius: 99px; background: var(--inset); border: 1px solid var(--line); font-size: 0.8rem; }

        @media (max-width: 1080px) {
            .picture { gap: 1.2rem; } .channel { width: 1.2rem; } .hop { padding-inline: 0.75rem; } .count { font-size: 1.5rem; }
        }
        @media (max-width: 900px) {
            .panels, .dag .columns { grid-template-columns: minmax(0, 1fr); }
            .dag .columns > div + div { border-left: 0; border-top: 1px solid var(--line); }
            .picture { grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
            .channel { left: 1rem; top: 100%; width: 1.5rem; height: 1rem; transform: translateY(0.25rem) rotate(90deg); }
            .strip { grid-column: 1; grid-row: 3; margin: 0.1rem 0 0.5rem; }
            .spill { left: auto; right: 0.95rem; transform: translateY(55%); }
            .hop {
                display: grid; grid-template-columns: minmax(0, 1fr) auto; column-gap: 1rem; align-items: start; padding: 0.75rem 0.95rem;
            }
            .hop > header, .hop > .facts, .hop > .problem { grid-column: 1 / -1; }
            .hop h3 { min-height: 0; grid-column: 1; grid-row: 2; } .count { grid-column: 2; grid-row: 2; margin-top: 0.15rem; text-align: right; }
            .unit { grid-column: 2; grid-row: 3; text-align: right; } .spark { grid-column: 1; grid-row: 3; margin: 0.1rem 0 0.5rem; }
            .facts { display: flex; flex-wrap: wrap; gap: 0.1rem 1.2rem; } .facts div { justify-content: start; gap: 0.4rem; }
        }
        @media (max-width: 560px) {
            .bar > div, main { padding-inline: 0.85rem; } main { padding-top: 1.1rem; }
            .bar > div { gap: 0.4rem 0.6rem; } .brand span { display: none; } h1 { font-size: 1.25rem; }
            .live .long { display: none; }
            td.cell { max-width: 9rem; }
        }
        @media (prefers-reduced-motion: reduce) { *, ::before { animation: none !important; } }
        """#
}
