/// The DAG page's script: the list of DAGs from `/api/dags`, a chosen run's tasks, the log of a task's last try, the trigger.
enum DAGsScript {
    static let text = #"""
        import { h, find, say, keyed, count, plural, duration, moment, ago, state, setState, ask, whileWatched } from "/static/console.js";

        /** What the reader chose in each DAG: a run (nothing chosen: the newest) and a task. */
        const chosen = new Map();
        let again = () => {};

        const path = (...parts) => "/api/dags/" + parts.map(encodeURIComponent).join("/");

        async function trigger(dag, button, answer) {
            button.disabled = true;
            try {
                const run = await ask(path(dag.id, "runs"), { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
                chosen.delete(dag.id);
                say(answer, `${run.id} is ${run.state}`);
                answer.className = "quiet";
            } catch (error) {
                say(answer, error.message);
                answer.className = "problem";
            }
            button.disabled = false;
            again();
        }

        function createDAG(dag) {
            const answer = h("p", { class: "quiet", role: "status" });
            const button = h("button", { type: "button", class: "primary", "aria-label": `Trigger a run of ${dag.id}`,
                onclick: () => trigger(dag, button, answer) }, "Trigger a run");
            return h("section", { class: "panel wide dag", id: dag.id, "aria-label": dag.id },
                h("header", {}, h("h2", {}, dag.id), h("span", { class: "state idle" }, "…"), h("span", { class: "end" }, button)),
                h("div", { class: "about" }, h("p", { class: "description" }), h("dl", { class: "pairs" }), h("div", { class: "tags" }), answer),
                h("div", { class: "columns" },
                    h("div", {}, h("h3", {}, "Last runs"), h("div", { class: "runs" }), h("p", { class: "empty" }, "No run yet.")),
                    h("div", {}, h("h3", { class: "tasks-title" }, "Tasks"),
                        h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `Tasks of ${dag.id}` },
                            h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Task"), h("th", { scope: "col" }, "State"),
                                h("th", { scope: "col", class: "number" }, "Try"), h("th", { scope: "col" }, "Started"),
                                h("th", { scope: "col", class: "number" }, "Took"), h("th", { scope: "col" }, "Counted"))),
                                h("tbody", {}))),
                        h("h3", { class: "log-title" }, "Log of the last try"),
                        h("pre", { class: "log", tabindex: 0, "aria-label": `Log of ${dag.id}` }))));
        }

        function createRun(dag, run) {
            const button = h("button", { type: "button", class: "run", "aria-pressed": "false", onclick: () => {
                chosen.set(dag.id, { run: run.id, task: null });
                again();
            } }, h("span", {}, state(run.state)), h("span", {}, ""), h("span", { class: "quiet number" }, ""), h("span", { class: "mono" }, run.id));
            return button;
        }

        function updateDAG(section, dag, now) {
            const choice = chosen.get(dag.id), latest = dag.runs[0];
            const run = dag.runs.find(run => run.id === choice?.run) ?? latest;
            setState(find("header .state", section), dag.isPaused ? "paused" : latest?.state ?? "no run yet");
            say(find(".description", section), dag.description ?? "");
            find(".description", section).hidden = !dag.description;
            keyed(find(".about dl", section), [["schedule", dag.schedule ?? "none: runs when triggered"],
                ["next run", dag.nextRunAt == null ? "–" : moment(dag.nextRunAt)],
                ["last run", latest?.startedAt == null ? "–" : ago(latest.startedAt, now)]], pair => pair[0],
                pair => h("div", {}, h("dt", {}, pair[0]), h("dd", {})), (row, pair) => say(row.lastChild, pair[1]));
            keyed(find(".tags", section), dag.tags, tag => tag, tag => h("span", { class: "tag" }, tag));
            find(".tags", section).hidden = dag.tags.length === 0;
            find(".empty", section).hidden = dag.runs.length > 0;
            keyed(find(".runs", section), dag.runs, run => run.id, run => createRun(dag, run), (button, each) => {
                setState(find(".state", button), each.state);
                say(button.children[1], `${each.runType ?? ""} · ${each.startedAt == null ? "not started" : moment(each.startedAt)}`);
                say(button.children[2], each.durationSeconds == null ? "" : duration(each.durationSeconds * 1_000));
                button.setAttribute("aria-pressed", String(each === run));
            });
            return run ? showRun(section, dag, run, choice) : null;
        }

        async function showRun(section, dag, run, choice) {
            let tasks;
            try {
                ({ tasks } = await ask(path(dag.id, "runs", run.id)));
            } catch (error) {
                find(".log", section).replaceChildren(h("span", { class: "bad" }, error.message));
                return;
            }
            const worth = task => ({ failed: 0, up_for_retry: 1, running: 2 })[task.state] ?? (task.startedAt == null ? 4 : 3);
            const task = tasks.find(task => task.id === choice?.task) ?? tasks.toSorted((a, b) => worth(a) - worth(b))[0];
            keyed(find("tbody", section), tasks, task => `${run.id}/${task.id}/${task.mapIndex}`, each => h("tr", {},
                h("th", { scope: "row" }, h("button", { type: "button", onclick: () => {
                    chosen.set(dag.id, { run: run.id, task: each.id });
                    again();
                } }, each.id)), h("td", {}, state(each.state ?? "none")), h("td", { class: "number" }), h("td", { class: "nowrap" }),
                h("td", { class: "number" }), h("td", {})), (row, each) => {
                row.firstChild.firstChild.setAttribute("aria-pressed", String(each === task));
                setState(row.children[1].firstChild, each.state ?? "none");
                say(row.children[2], each.tryNumber > 0 ? `${each.tryNumber} of ${each.maxTries + 1}` : "–");
                say(row.children[3], each.startedAt == null ? "–" : moment(each.startedAt));
                say(row.children[4], each.durationSeconds == null ? "–" : duration(each.durationSeconds * 1_000));
                say(row.children[5], Object.entries(each.counts).map(([name, value]) => `${count(value)} ${name}`).join(", ") || (each.note ? "" : "–"));
                if (each.note) row.children[5].append(h("p", { class: "problem" }, each.note));
            });
            const log = find(".log", section);
            say(find(".log-title", section), task ? `Log of ${task.id}, ${task.tryNumber > 1 ? `try ${task.tryNumber}` : "the last try"}` : "Log");
            if (!task || !(task.tryNumber > 0)) { log.replaceChildren("Not started yet."); return; }
            let lines;
            try {
                ({ lines } = await ask(path(dag.id, "runs", run.id, "tasks", task.id, "log") + `?try=${task.tryNumber}`));
            } catch (error) {
                log.replaceChildren(h("span", { class: "bad" }, error.message));
                return;
            }
            const key = `${run.id}/${task.id}/${task.tryNumber}`;
            if (log.dataset.key === key && Number(log.dataset.lines) === lines.length) return;
            const isAtEnd = log.dataset.key !== key || log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
            log.dataset.key = key;
            log.dataset.lines = lines.length;
            log.replaceChildren(...(lines.length ? lines.map(line => h("div", {
                class: /error|critical/i.test(line.level ?? "") ? "bad" : /warn/i.test(line.level ?? "") ? "warn" : null },
                line.time == null ? null : h("time", {}, moment(line.time), " "), h("span", { class: "level" }, (line.level ?? "").padEnd(8)),
                line.text)) : ["Nothing was logged."]));
            if (isAtEnd) log.scrollTop = log.scrollHeight;
        }

        async function show(tell) {
            let answer;
            try {
                answer = await ask("/api/dags");
                tell("live", "good");
            } catch (error) {
                tell("the console does not answer", "bad");
                return;
            }
            const { dags, problem, time } = answer;
            const running = dags.filter(dag => dag.runs[0]?.state === "running").length;
            const failed = dags.filter(dag => dag.runs[0]?.state === "failed").length;
            say(find("#verdict"), problem ? "The scheduler does not answer" : dags.length === 0 ? "The scheduler knows no DAG"
                : failed ? `${plural(failed, "DAG")} failed in the last run` : running ? `${plural(running, "DAG")} running` : `${plural(dags.length, "DAG")}, none running`);
            say(find("#explanation"), problem ? "" : `Scheduler at ${answer.address}`);
            find("#notices").replaceChildren(...(problem ? [h("div", { class: "notice" }, h("p", {}, problem))] : []));
            const sections = find("#dags"), isFirst = !sections.keyedChildren;
            const waiting = [];
            keyed(sections, dags, dag => dag.id, createDAG, (section, dag) => waiting.push(updateDAG(section, dag, time)));
            if (isFirst && location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
            await Promise.allSettled(waiting);
        }

        whileWatched(tell => {
            let timer = null, isOpen = true, isBusy = false, isWanted = false;
            const turn = async () => {
                if (isBusy) { isWanted = true; return; }
                clearTimeout(timer);
                isBusy = true;
                do { isWanted = false; await show(tell); } while (isWanted);
                isBusy = false;
                if (isOpen) timer = setTimeout(turn, 2_000);
            };
            again = turn;
            turn();
            return () => { isOpen = false; clearTimeout(timer); };
        });

        """#
}
