/// The start page's script: snapshots from the event stream become the picture, the panels and the table of boxes.
enum FlowScript {
    static let text = #"""
        import { h, find, say, keyed, count, rate, plural, duration, moment, ago, tone, state, setState, spark, bars, pretty, whileWatched }
            from "/static/console.js";

        const icons = {
            api: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c5 5.5 5 12.5 0 18M12 3c-5 5.5-5 12.5 0 18",
            dag: "M4 6.5h5v-3H4zM15 8h5V5h-5zM15 19h5v-3h-5zM9 5h3v12.5h3M12 6.5h3",
            topic: "M4 6h16M4 12h16M4 18h10M18 18h2",
            query: "M4 5h16l-6 7.5V19l-4 1.5v-8z",
            table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
        };
        const roles = { api: "Source", dag: "DAG", topic: "Topic", query: "Query", table: "Table" };

        function createHop(hop) {
            return h("li", { class: "hop", id: `hop-${hop.id}` },
                h("header", {},
                    h("svg", { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 1.8, "aria-hidden": "true" },
                        h("path", { d: icons[hop.id] })),
                    h("span", {}, roles[hop.id]), h("span", { class: "state idle" }, "…")),
                h("h3", {}, ""), h("p", { class: "count" }, "–"), h("p", { class: "unit" }, ""), h("span", { class: "spark" }),
                h("dl", { class: "facts" }), h("p", { class: "problem", hidden: true }, ""),
                hop.id === "table" ? null : h("svg", { class: "channel", viewBox: "0 0 32 20", "aria-hidden": "true" },
                    h("path", { class: "stream", d: "M3 10H25" }), h("path", { d: "M22 4.5 28.5 10 22 15.5" })));
        }

        function updateHop(element, hop) {
            element.classList.toggle("down", hop.isDown);
            element.classList.toggle("flowing", hop.rate > 0);
            setState(find(".state", element), hop.state, hop.tone);
            const heading = find("h3", element);
            if (heading.textContent !== hop.name || find("a", heading)?.getAttribute("href") !== hop.link) {
                heading.replaceChildren(hop.link ? h("a", { href: hop.link }, hop.name) : hop.name);
            }
            const number = find(".count", element);
            say(number, hop.count);
            number.classList.toggle("word", Boolean(hop.isWord));
            say(find(".unit", element), hop.unit);
            (find(".spark", element) ?? find(".strip", element)).replaceWith(hop.runs ? strip(hop.runs) : hop.history
                ? spark(hop.history, `${hop.unit} a second over the last ${hop.history.length} seconds, now ${rate(hop.rate)}`)
                : h("span", { class: "spark", "aria-hidden": "true" }));
            keyed(find(".facts", element), hop.facts.filter(fact => fact[1] !== null), fact => fact[0],
                fact => h("div", {}, h("dt", {}, fact[0]), h("dd", {}, "")), (row, fact) => say(find("dd", row), fact[1]));
            const problem = find(".problem", element);
            problem.hidden = !hop.problem;
            say(problem, hop.problem ?? "");
            let spill = find(".spill", element);
            if (hop.dropped > 0 && !spill) {
                spill = h("a", { class: "spill", href: "#dropped" });
                find(".facts", element).before(spill);
            }
            if (spill) { spill.hidden = !(hop.dropped > 0); say(spill, `${plural(hop.dropped, "record")} dropped`); }
        }

        /** The last runs as squares, the newest on the right. */
        function strip(runs) {
            const failed = runs.filter(run => run.state === "failed").length;
            return h("span", { class: "strip", role: "img", "aria-label": `the last ${plural(runs.length, "run")}, ${count(failed)} failed` },
                runs.slice(0, 12).reverse().map(run => h("span", { class: tone(run.state), title: `${run.state} ${run.id}` })));
        }

        function hops(snapshot, flow) {
            const boxes = Object.fromEntries(snapshot.boxes.map(box => [box.id, box]));
            const { source, dag, topic, query, table, drops } = flow;
            const hop = (id, box, rest) => {
                const health = boxes[box];
                const isDown = health?.state === "down";
                return {
                    id, isDown, state: isDown ? "down" : rest.word, tone: isDown ? "bad" : rest.tone ?? tone(rest.word), name: rest.name,
                    facts: [], count: "–", unit: "", rate: 0, ...rest, problem: isDown ? health.error : rest.problem };
            };
            const lag = query?.lag;
            return [
                hop("api", "api", {
                    name: source?.name ?? "RandomUser API", word: boxes.api?.state ?? "unset", count: count(source?.fetched),
                    unit: "users fetched", rate: source?.rate ?? 0, history: source?.history,
                    facts: [["rate", rate(source?.rate)], ["answers in", duration(boxes.api?.latencyMilliseconds)],
                        ["retried", source?.retried ? count(source.retried) : null]], problem: source?.problem }),
                hop("dag", "scheduler", {
                    name: dag?.id ?? "no DAG", link: dag ? `/dags#${encodeURIComponent(dag.id)}` : null,
                    word: dag?.isPaused ? "paused" : boxes.scheduler?.state ?? "unset",
                    count: dag ? (dag.runs[0]?.state ?? "no run").replaceAll("_", " ") : "–", isWord: true, runs: dag?.runs.length ? dag.runs : null,
                    unit: dag?.runs[0]?.startedAt ? `last run, ${ago(dag.runs[0].startedAt, snapshot.time)}` : "last run",
                    rate: dag?.runs[0]?.state === "running" ? 1 : 0,
                    facts: [["schedule", dag?.schedule ?? "none"],
                        ["took", dag?.runs[0]?.durationSeconds != null ? duration(dag.runs[0].durationSeconds * 1_000) : null],
                        ["tries", dag?.tasks?.[0]?.tryNumber > 1 ? count(dag.tasks[0].tryNumber) : null]],
                    problem: dag?.problem }),
                hop("topic", "broker", {
                    name: topic?.name ?? "no topic", link: "#records", word: boxes.broker?.state ?? "unset", count: count(topic?.records),
                    unit: "records", rate: topic?.rate ?? 0, history: topic?.history,
                    facts: [["rate", rate(topic?.rate)], ["partitions", count(topic?.partitions)]], problem: topic?.problem }),
                hop("query", "engine", {
                    name: query?.name ?? "no query", link: "#batches",
                    word: query ? (query.isActive ? "active" : "ended") : boxes.engine?.state === "up" ? "idle" : boxes.engine?.state ?? "unset",
                    count: count(query?.rows), unit: "rows processed", rate: query?.rate ?? 0, history: query?.history,
                    facts: [["rate", rate(query?.rate)], ["batch", duration(query?.batches[0]?.durationMilliseconds)],
                        ["lag", lag == null ? "–" : plural(lag, "record")]],
                    dropped: drops?.count ?? 0, problem: query?.exception ?? null }),
                hop("table", "store", {
                    name: table ? `${table.keyspace}.${table.name}` : "no table", link: "#rows", word: boxes.store?.state ?? "unset",
                    count: (table?.isEstimate ? "≈ " : "") + count(table?.rows), unit: "rows", rate: table?.rate ?? 0,
                    history: table?.history, facts: [["rate", rate(table?.rate)],
                        ["newest", table?.newest[0]?.writtenAt ? ago(table.newest[0].writtenAt, snapshot.time) : "–"]],
                    problem: table?.problem }),
            ];
        }

        const preview = text => text.length > 400 ? text.slice(0, 400) + "…" : text;

        function valueCell(value, size) {
            if (value == null) return h("td", { class: "value quiet" }, "null");
            let shown = null;
            const details = h("details", { ontoggle: () => {
                if (details.open && !shown) details.append(shown = h("pre", { tabindex: 0 }, pretty(value)
                    + (size > value.length ? `\n… ${count(size)} bytes in all` : "")));
            } }, h("summary", { class: "mono" }, preview(value)));
            return h("td", { class: "value" }, details);
        }

        function table(panel, isEmpty) {
            find("table", panel).hidden = isEmpty;
            find(".scroll", panel).hidden = isEmpty;
            find(".empty", panel).hidden = !isEmpty;
            return find("tbody", panel);
        }

        function showRecords(topic) {
            const panel = find("#records"), records = topic?.newest ?? [];
            say(find("#records-summary"), topic ? `of topic ${topic.name}` : "");
            say(find(".empty", panel), topic?.problem ?? (topic ? `The topic ${topic.name} holds no records yet.` : "There is no topic yet."));
            keyed(table(panel, records.length === 0), records, record => `${record.partition}@${record.offset}`, record => h("tr", {},
                h("td", { class: "number" }, `${topic.partitions > 1 ? `${record.partition}:` : ""}${record.offset}`),
                h("td", { class: "nowrap" }, moment(record.timestamp)), valueCell(record.value, record.valueSize)));
        }

        function showBatches(query) {
            const panel = find("#batches"), batches = query?.batches ?? [];
            say(find("#batches-summary"), query ? query.message : "");
            say(find(".empty", panel), query ? "The query has not finished a batch yet." : "No query is active.");
            const figure = find("figure", panel), values = batches.map(batch => batch.rows).reverse();
            figure.hidden = values.length === 0;
            const caption = values.length === 0 ? ""
                : `Rows in each of the last ${plural(values.length, "batch").replace("batchs", "batches")}; at most ${count(Math.max(...values))}`;
            if (values.length) find("div", figure).replaceChildren(bars(values, caption, Math.max(60, values.length)));
            say(find("figcaption", figure), caption);
            keyed(table(panel, batches.length === 0), batches.slice(0, 30), batch => `${query.runID}/${batch.id}/${batch.time}`, batch =>
                h("tr", {}, h("td", { class: "number" }, count(batch.id)), h("td", { class: "nowrap" }, moment(batch.time)),
                    h("td", { class: "number" }, count(batch.rows)), h("td", { class: "number" }, duration(batch.durationMilliseconds)),
                    h("td", { class: "number" }, batch.processedRowsPerSecond == null ? "–" : count(batch.processedRowsPerSecond))));
        }

        function showRows(stored) {
            const panel = find("#rows"), rows = stored?.newest ?? [];
            say(find("#rows-summary"), !stored ? "" : `of table ${stored.keyspace}.${stored.name}`
                + (stored.isSample ? "; the table is large: the newest of a sample" : ""));
            say(find(".empty", panel), stored?.problem ?? (stored ? "The table holds no rows yet." : "There is no table yet."));
            const head = find("thead tr", panel), names = stored ? ["written", ...stored.columns] : [];
            if (head.dataset.names !== names.join("\n")) {
                head.dataset.names = names.join("\n");
                head.replaceChildren(...names.map(name => h("th", { scope: "col" }, name)));
                find("tbody", panel).replaceChildren();
                find("tbody", panel).keyedChildren = undefined;
            }
            keyed(table(panel, rows.length === 0), rows, row => row.key + "@" + row.writtenAt, row => h("tr", {},
                h("td", { class: "nowrap" }, moment(row.writtenAt)),
                row.values.map(value => value == null ? h("td", { class: "cell quiet" }, "null")
                    : h("td", { class: "cell", title: value }, value))));
        }

        function showDropped(drops) {
            const panel = find("#dropped");
            panel.hidden = !(drops?.count > 0);
            if (panel.hidden) return;
            say(find("#dropped-title"), `${plural(drops.count, "record")} dropped`);
            say(find("#dropped-summary"), `kept in topic ${drops.topic}`);
            const first = drops.first, body = find("#dropped-body");
            const key = JSON.stringify([first, drops.last?.offset, drops.count > 1]);
            if (body.dataset.key === key) return;
            body.dataset.key = key;
            const wasOpen = find("details", body)?.open ?? false;
            const described = (record, title) => [
                h("p", { class: "reason" }, title, record.reason ?? "no reason is given"),
                h("dl", { class: "pairs" }, ...[
                    ["came from", record.source], ["at", moment(record.timestamp)], ["query", record.query],
                    ["dead letter", `${record.partition}:${record.offset}`]].filter(pair => pair[1] != null)
                    .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
                h("details", { open: wasOpen }, h("summary", {}, "The record"),
                    h("pre", { tabindex: 0 }, record.value == null ? "(its value is null)" : pretty(record.value)))];
            body.replaceChildren(...(first ? described(first, drops.count > 1 ? "First: " : "") : [h("p", {}, drops.problem ?? "")]),
                ...(drops.last && first && drops.last.offset !== first.offset ? described(drops.last, "Latest: ") : []));
        }

        function showBoxes(snapshot) {
            const up = snapshot.boxes.filter(box => box.state === "up").length, wanted = snapshot.boxes.filter(box => box.state !== "unset");
            say(find("#boxes-summary"), `${up} of ${wanted.length} answer`);
            keyed(find("#boxes tbody"), snapshot.boxes, box => box.id, box => h("tr", {},
                h("th", { scope: "row", class: "nowrap" }, box.name), h("td", {}, state(box.state)), h("td", { class: "mono nowrap" }),
                h("td", { class: "number" }), h("td", {})),
                (row, box) => {
                    const [, word, address, latency, detail] = row.children;
                    setState(word.firstChild, box.state);
                    if (address.textContent !== box.address) {
                        address.replaceChildren(box.link ? h("a", { href: box.link }, box.address) : box.address);
                    }
                    say(latency, box.state === "up" ? duration(box.latencyMilliseconds) : "–");
                    say(detail, box.error ?? box.detail ?? "");
                    detail.className = box.error ? "problem" : "quiet";
                    row.classList.remove("fresh");
                });
        }

        function show(snapshot) {
            const wanted = new URLSearchParams(location.search).get("flow");
            const flow = snapshot.flows.find(flow => flow.id === wanted) ?? snapshot.flows[0];
            const nav = find("#flows");
            nav.hidden = snapshot.flows.length < 2;
            keyed(find("ul", nav), snapshot.flows, other => other.id, other => h("li", {}, h("a", { href: `/?flow=${encodeURIComponent(other.id)}` })),
                (item, other) => {
                    say(item.firstChild, other.title);
                    if (other === flow) item.firstChild.setAttribute("aria-current", "page"); else item.firstChild.removeAttribute("aria-current");
                });
            say(find("#verdict"), flow.verdict.title);
            say(find("#explanation"), flow.verdict.explanation);
            document.title = `${flow.verdict.title} · Leat`;
            keyed(find("#picture"), hops(snapshot, flow), hop => hop.id, createHop, updateHop);
            showDropped(flow.drops);
            showRecords(flow.topic);
            showBatches(flow.query);
            showRows(flow.table);
            showBoxes(snapshot);
        }

        whileWatched(tell => {
            const stream = new EventSource("/api/flow/events");
            stream.addEventListener("flow", event => { tell("live", "good"); show(JSON.parse(event.data)); });
            stream.addEventListener("error", () => tell("the console does not answer", "bad"));
            return () => stream.close();
        });

        """#
}
