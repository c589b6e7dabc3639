/// The scheduler's page: each DAG with its last runs, their tasks, the log of a task's last try, and a trigger.
enum DAGsPage {
    static let html = PageFrame.html(
        title: "DAGs", current: .dags, script: "/static/dags.js",
        main: #"""
            <div class="headline">
              <h1 id="verdict">Looking at the scheduler…</h1>
              <p id="explanation" role="status"></p>
            </div>
            <div id="notices"></div>
            <div id="dags" class="panels"></div>
            """#)
}
