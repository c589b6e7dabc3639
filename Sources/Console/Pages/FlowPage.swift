/// The start page: one look at the pipeline, then what flows through it.
///
/// The page is a skeleton that reads well without its data; the script fills it from `/api/flow` and the event stream.
enum FlowPage {
    static let html = PageFrame.html(
        title: "Flow", current: .flow, script: "/static/flow.js",
        main: #"""
            <div class="headline">
              <h1 id="verdict">Looking at the pipeline…</h1>
              <p id="explanation" role="status"></p>
              <nav aria-label="Queries" id="flows" hidden><ul class="flows"></ul></nav>
            </div>
            <section aria-labelledby="picture-title">
              <h2 class="away" id="picture-title">The pipeline</h2>
              <ol class="picture" id="picture"></ol>
            </section>
            <section class="panel dropped" id="dropped" aria-labelledby="dropped-title" hidden>
              <header><h2 id="dropped-title">Dropped records</h2><p id="dropped-summary"></p></header>
              <div class="body" id="dropped-body"></div>
            </section>
            <div class="panels">
              <section class="panel" id="records" aria-labelledby="records-title">
                <header><h2 id="records-title">Last records</h2><p id="records-summary"></p></header>
                <div class="scroll tall" tabindex="0" role="group" aria-label="Table of records">
                  <table hidden><thead><tr>
                    <th scope="col" class="number">Offset</th><th scope="col">Time</th><th scope="col">Value</th>
                  </tr></thead><tbody></tbody></table>
                </div>
                <p class="empty">No records yet.</p>
              </section>
              <section class="panel" id="batches" aria-labelledby="batches-title">
                <header><h2 id="batches-title">Batches</h2><p id="batches-summary"></p></header>
                <figure class="chart" hidden><div></div><figcaption></figcaption></figure>
                <div class="scroll tall short" tabindex="0" role="group" aria-label="Table of batches">
                  <table hidden><thead><tr>
                    <th scope="col" class="number">Batch</th><th scope="col">Time</th><th scope="col" class="number">Rows</th>
                    <th scope="col" class="number">Took</th><th scope="col" class="number">Rows/s</th>
                  </tr></thead><tbody></tbody></table>
                </div>
                <p class="empty">No batches yet.</p>
              </section>
              <section class="panel wide" id="rows" aria-labelledby="rows-title">
                <header><h2 id="rows-title">Newest rows</h2><p id="rows-summary"></p></header>
                <div class="scroll tall" tabindex="0" role="group" aria-label="Table of rows">
                  <table hidden><thead><tr></tr></thead><tbody></tbody></table>
                </div>
                <p class="empty">No rows yet.</p>
              </section>
              <section class="panel wide" id="boxes" aria-labelledby="boxes-title">
                <header><h2 id="boxes-title">Boxes</h2><p id="boxes-summary"></p></header>
                <div class="scroll" tabindex="0" role="group" aria-label="Table of boxes">
                  <table><thead><tr>
                    <th scope="col">Box</th><th scope="col">State</th><th scope="col">Address</th>
                    <th scope="col" class="number">Answers in</th><th scope="col">What it says</th>
                  </tr></thead><tbody></tbody></table>
                </div>
              </section>
            </div>
            """#)
}
