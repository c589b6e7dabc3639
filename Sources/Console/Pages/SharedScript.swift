/// What the pages' scripts share: building elements, formats, small charts, and the live stream.
///
/// Text that came from a box reaches the document as text nodes and attribute values only: nothing here parses HTML.
enum SharedScript {
    static let text = #"""
        const svgNames = new Set(["svg", "path", "rect", "circle", "line", "title"]);

        /** An element with attributes and children; strings become text nodes. */
        export function h(name, attributes = {}, ...children) {
            const element = svgNames.has(name)
                ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
            for (const [key, value] of Object.entries(attributes)) {
                if (value === undefined || value === null || value === false) continue;
                if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
                else element.setAttribute(key, value === true ? "" : value);
            }
            element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
            return element;
        }

        export const find = (selector, root = document) => root.querySelector(selector);

        /** Sets text only where it differs, so that nothing is announced or repainted in vain. */
        export function say(element, text) {
            if (element && element.textContent !== text) element.textContent = text;
        }

        /** Gives `parent` one child an item, in order; children of known keys stay the same elements (open details, focus). */
        export function keyed(parent, items, key, create, update) {
            const known = parent.keyedChildren ?? new Map(), next = new Map();
            const isFirst = parent.keyedChildren === undefined;
            let place = parent.firstChild;
            for (const item of items) {
                const name = String(key(item));
                let child = known.get(name);
                if (!child) {
                    child = create(item);
                    if (!isFirst) child.classList.add("fresh");
                }
                update?.(child, item);
                next.set(name, child);
                if (child === place) place = place.nextSibling;
                else parent.insertBefore(child, place);
            }
            while (place) { const after = place.nextSibling; place.remove(); place = after; }
            parent.keyedChildren = next;
        }

        const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
        const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
        const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
        const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
        const dayAndClock = new Intl.DateTimeFormat("en-GB", {
            day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

        export const count = value => value === null || value === undefined ? "–"
            : value >= 10_000_000 ? compact.format(value) : whole.format(value);
        export const rate = value => value === null || value === undefined ? "–"
            : `${value >= 100 ? whole.format(value) : one.format(value)}/s`;
        export const plural = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
        export function duration(milliseconds) {
            if (milliseconds === null || milliseconds === undefined) return "–";
            if (milliseconds < 1) return "< 1 ms";
            if (milliseconds < 10) return `${one.format(milliseconds)} ms`;
            if (milliseconds < 1_000) return `${whole.format(milliseconds)} ms`;
            const seconds = milliseconds / 1_000;
            if (seconds < 60) return `${one.format(seconds)} s`;
            const minutes = Math.floor(seconds / 60);
            if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
            const hours = Math.floor(minutes / 60);
            return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
        }
        /** A moment, with its day where that is not today. */
        export function moment(milliseconds) {
            if (milliseconds === null || milliseconds === undefined) return "–";
            const date = new Date(milliseconds);
            return date.toDateString() === new Date().toDateString() ? clock.format(date) : dayAndClock.format(date);
        }
        export const ago = (milliseconds, now) => milliseconds == null ? "–" : now - milliseconds < 2_000 ? "just now"
            : now - milliseconds < 60_000 ? `${whole.format((now - milliseconds) / 1_000)} s ago` : `${duration(now - milliseconds)} ago`;

        /** The state's tone: what colour a word of Airflow's, Spark's or ours has. */
        export function tone(state) {
            switch (state) {
            case "up": case "success": case "active": return "good";
            case "running": case "queued": case "scheduled": case "restarting": case "deferred": return "busy";
            case "down": case "failed": case "upstream_failed": case "ended": return "bad";
            case "up_for_retry": case "up_for_reschedule": case "paused": return "warn";
            default: return "idle";
            }
        }
        export function state(word, kind = tone(word)) {
            return h("span", { class: `state ${kind}` }, String(word).replaceAll("_", " "));
        }
        export function setState(element, word, kind = tone(word)) {
            say(element, String(word).replaceAll("_", " "));
            const name = `state ${kind}`;
            if (element.className !== name) element.className = name;
        }

        /** A line over the last minute; it begins at zero, so that a height means the same everywhere. */
        export function spark(values, label) {
            const width = 120, height = 28, points = values.length < 2 ? [0, 0] : values;
            const top = Math.max(...points, 1e-9), step = width / (points.length - 1);
            const line = points.map((value, index) =>
                `${index ? "L" : "M"}${(index * step).toFixed(1)} ${(height - 2 - (value / top) * (height - 5)).toFixed(1)}`).join("");
            return h("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
                h("path", { class: "base", d: `M0 ${height - 1}H${width}` }),
                h("path", { class: "area", d: `${line}L${width} ${height - 1}L0 ${height - 1}Z` }),
                h("path", { class: "line", d: line }));
        }

        export function bars(values, label, places) {
            const height = 52, step = 6, top = Math.max(...values, 1), width = places * step;
            return h("svg", { class: "bars", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
                h("path", { class: "base", d: `M0 ${height - 0.5}H${width}` }),
                values.map((value, index) => {
                    const tall = value === 0 ? 0 : Math.max(1.5, (value / top) * (height - 4));
                    return h("rect", {
                        x: (places - values.length + index) * step + 0.6, y: height - 1 - tall, width: step - 1.2, height: tall });
                }));
        }

        /** JSON for reading, when the text is JSON; the text itself otherwise. */
        export function pretty(text) {
            try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
        }

        export async function ask(path, options = {}) {
            const response = await fetch(path, { headers: { accept: "application/json" }, ...options });
            const body = await response.json().catch(() => null);
            if (!response.ok) throw new Error(body?.error?.problem ?? `${response.status} ${response.statusText}`);
            return body;
        }

        /**
         * Keeps a page fresh while somebody looks: not while it is paused, nor in a hidden tab.
         * `open` begins to listen and returns what stops it.
         */
        export function whileWatched(open) {
            const button = find("#pause"), word = find("#live");
            let close = null, isPaused = false;
            const settle = () => {
                const wanted = !isPaused && !document.hidden;
                if (wanted && !close) close = open((text, kind) => setState(word, text, kind));
                if (!wanted && close) { close(); close = null; }
                if (isPaused) setState(word, "paused", "warn");
            };
            button.addEventListener("click", () => {
                isPaused = !isPaused;
                button.setAttribute("aria-pressed", String(isPaused));
                say(button, isPaused ? "Resume" : "Pause");
                settle();
            });
            document.addEventListener("visibilitychange", settle);
            settle();
        }

        """#
}
