/// Queries, and the rows that Apache Spark 4 gives for them, as text; a query without ORDER BY has its rows in any order.
enum RelationalGold {
    static let views: [(name: String, sql: String)] = [
        (
            "emp",
            "SELECT * FROM VALUES (1,'ann','eng',100,CAST(NULL AS INT)),(2,'bob','eng',80,1),(3,'cid','ops',60,1),(4,'dee','ops',60,3),(5,'eve',NULL,90,1),(6,'fay','hr',CAST(NULL AS INT),2) AS e(id,name,dept,pay,boss)"
        ),
        (
            "dept",
            "SELECT * FROM VALUES ('eng','Engines',1),('ops','Operations',2),('law','Law',3),(NULL,'None',4) AS d(dept,title,rank)"
        ),
        (
            "nums",
            "SELECT * FROM VALUES (1,1.5D,true),(2,CAST(NULL AS DOUBLE),false),(3,-2.5D,NULL),(CAST(NULL AS INT),4.0D,true),(2,0.5D,true) AS n(a,x,b)"
        ),
        (
            "nested",
            "SELECT 1 AS id, array(1,2,3) AS xs, map('a',1,'b',2) AS m UNION ALL SELECT 2, array(), map() UNION ALL SELECT 3, CAST(NULL AS ARRAY<INT>), CAST(NULL AS MAP<STRING,INT>) UNION ALL SELECT 4, array(9,NULL), map('z',NULL)"
        ),
    ]

    struct Case: Sendable {
        var sql: String
        var names: String
        var rows: [String]
    }

    static let cases: [Case] = [
        Case(
            sql: "SELECT * FROM emp",
            names: "id|name|dept|pay|boss",
            rows: ["1|ann|eng|100|NULL", "2|bob|eng|80|1", "3|cid|ops|60|1", "4|dee|ops|60|3", "5|eve|NULL|90|1", "6|fay|hr|NULL|2"]),
        Case(
            sql: "SELECT name, pay * 2 AS double_pay FROM emp WHERE pay > 60 ORDER BY pay DESC, name",
            names: "name|double_pay",
            rows: ["ann|200", "eve|180", "bob|160"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e JOIN dept d ON e.dept = d.dept",
            names: "name|title",
            rows: ["ann|Engines", "bob|Engines", "cid|Operations", "dee|Operations"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e LEFT JOIN dept d ON e.dept = d.dept",
            names: "name|title",
            rows: ["ann|Engines", "bob|Engines", "cid|Operations", "dee|Operations", "eve|NULL", "fay|NULL"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e RIGHT JOIN dept d ON e.dept = d.dept",
            names: "name|title",
            rows: ["bob|Engines", "ann|Engines", "dee|Operations", "cid|Operations", "NULL|Law", "NULL|None"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e FULL OUTER JOIN dept d ON e.dept = d.dept",
            names: "name|title",
            rows: ["eve|NULL", "NULL|None", "ann|Engines", "bob|Engines", "fay|NULL", "NULL|Law", "cid|Operations", "dee|Operations"]),
        Case(
            sql: "SELECT e.name FROM emp e LEFT SEMI JOIN dept d ON e.dept = d.dept",
            names: "name",
            rows: ["ann", "bob", "cid", "dee"]),
        Case(
            sql: "SELECT e.name FROM emp e LEFT ANTI JOIN dept d ON e.dept = d.dept",
            names: "name",
            rows: ["eve", "fay"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e JOIN dept d ON e.dept <=> d.dept",
            names: "name|title",
            rows: ["ann|Engines", "bob|Engines", "cid|Operations", "dee|Operations", "eve|None"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e CROSS JOIN dept d WHERE d.rank = 1",
            names: "name|title",
            rows: ["ann|Engines", "bob|Engines", "cid|Engines", "dee|Engines", "eve|Engines", "fay|Engines"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e, dept d WHERE e.dept = d.dept AND d.rank < 2",
            names: "name|title",
            rows: ["ann|Engines", "bob|Engines"]),
        Case(
            sql: "SELECT e.name, b.name AS boss FROM emp e JOIN emp b ON e.boss = b.id",
            names: "name|boss",
            rows: ["eve|ann", "cid|ann", "bob|ann", "fay|bob", "dee|cid"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e JOIN dept d ON e.pay > d.rank * 30 AND d.title <> 'Law'",
            names: "name|title",
            rows: [
                "ann|Engines", "ann|Operations", "bob|Engines", "bob|Operations", "cid|Engines", "dee|Engines", "eve|Engines",
                "eve|Operations",
            ]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e LEFT JOIN dept d ON e.dept = d.dept AND e.pay > 70",
            names: "name|title",
            rows: ["ann|Engines", "bob|Engines", "cid|NULL", "dee|NULL", "eve|NULL", "fay|NULL"]),
        Case(
            sql: "SELECT e.name, d.title FROM emp e LEFT JOIN dept d ON e.pay < d.rank * 25",
            names: "name|title",
            rows: ["ann|NULL", "bob|None", "cid|Law", "cid|None", "dee|Law", "dee|None", "eve|None", "fay|NULL"]),
        Case(
            sql: "SELECT * FROM emp JOIN dept USING (dept)",
            names: "dept|id|name|pay|boss|title|rank",
            rows: [
                "eng|1|ann|100|NULL|Engines|1", "eng|2|bob|80|1|Engines|1", "ops|3|cid|60|1|Operations|2", "ops|4|dee|60|3|Operations|2",
            ]),
        Case(
            sql: "SELECT * FROM emp NATURAL JOIN dept",
            names: "dept|id|name|pay|boss|title|rank",
            rows: [
                "eng|1|ann|100|NULL|Engines|1", "eng|2|bob|80|1|Engines|1", "ops|3|cid|60|1|Operations|2", "ops|4|dee|60|3|Operations|2",
            ]),
        Case(
            sql: "SELECT dept, title, name FROM emp FULL JOIN dept USING (dept)",
            names: "dept|title|name",
            rows: [
                "NULL|NULL|eve", "NULL|None|NULL", "eng|Engines|ann", "eng|Engines|bob", "hr|NULL|fay", "law|Law|NULL",
                "ops|Operations|cid", "ops|Operations|dee",
            ]),
        Case(
            sql: "SELECT count(*), count(pay), sum(pay), avg(pay), min(pay), max(pay), min(name), max(name) FROM emp",
            names: "count(1)|count(pay)|sum(pay)|avg(pay)|min(pay)|max(pay)|min(name)|max(name)",
            rows: ["6|5|390|78.0|60|100|ann|fay"]),
        Case(
            sql: "SELECT count(*), sum(pay), min(pay) FROM emp WHERE false",
            names: "count(1)|sum(pay)|min(pay)",
            rows: ["0|NULL|NULL"]),
        Case(
            sql: "SELECT dept, count(*) AS n, sum(pay) s FROM emp GROUP BY dept",
            names: "dept|n|s",
            rows: ["eng|2|180", "ops|2|120", "hr|1|NULL", "NULL|1|90"]),
        Case(
            sql: "SELECT dept, count(*) FROM emp GROUP BY 1 ORDER BY 2 DESC, 1",
            names: "dept|count(1)",
            rows: ["eng|2", "ops|2", "NULL|1", "hr|1"]),
        Case(
            sql: "SELECT upper(dept) AS u, sum(pay) FROM emp GROUP BY u",
            names: "u|sum(pay)",
            rows: ["ENG|180", "OPS|120", "HR|NULL", "NULL|90"]),
        Case(
            sql: "SELECT dept, sum(pay) FROM emp GROUP BY ALL",
            names: "dept|sum(pay)",
            rows: ["eng|180", "ops|120", "hr|NULL", "NULL|90"]),
        Case(
            sql: "SELECT dept, sum(pay) AS s FROM emp GROUP BY dept HAVING sum(pay) > 100",
            names: "dept|s",
            rows: ["eng|180", "ops|120"]),
        Case(
            sql: "SELECT dept, count(*) c FROM emp GROUP BY dept HAVING c = 1",
            names: "dept|c",
            rows: ["hr|1", "NULL|1"]),
        Case(
            sql: "SELECT count(DISTINCT dept), count(DISTINCT pay, dept), sum(DISTINCT pay) FROM emp",
            names: "count(DISTINCT dept)|count(DISTINCT pay, dept)|sum(DISTINCT pay)",
            rows: ["3|3|330"]),
        Case(
            sql: "SELECT dept, count(*) FILTER (WHERE pay > 70) AS rich, sum(pay) FILTER (WHERE name LIKE 'd%') FROM emp GROUP BY dept",
            names: "dept|rich|sum(pay) FILTER (WHERE name LIKE d%)",
            rows: ["eng|2|NULL", "ops|0|60", "hr|0|NULL", "NULL|1|NULL"]),
        Case(
            sql: "SELECT dept, boss, count(*) FROM emp GROUP BY ROLLUP(dept, boss)",
            names: "dept|boss|count(1)",
            rows: [
                "eng|1|1", "ops|1|1", "ops|3|1", "hr|2|1", "eng|NULL|1", "eng|NULL|2", "NULL|NULL|6", "ops|NULL|2", "NULL|1|1",
                "NULL|NULL|1", "hr|NULL|1",
            ]),
        Case(
            sql: "SELECT dept, boss, count(*), grouping_id() FROM emp GROUP BY CUBE(dept, boss)",
            names: "dept|boss|count(1)|grouping_id()",
            rows: [
                "eng|1|1|0", "ops|1|1|0", "ops|3|1|0", "hr|2|1|0", "eng|NULL|1|0", "eng|NULL|2|1", "NULL|NULL|1|2", "NULL|NULL|6|3",
                "NULL|1|3|2", "ops|NULL|2|1", "NULL|3|1|2", "NULL|1|1|0", "NULL|NULL|1|1", "hr|NULL|1|1", "NULL|2|1|2",
            ]),
        Case(
            sql: "SELECT dept, boss, sum(pay), grouping(dept), grouping(boss) FROM emp GROUP BY GROUPING SETS ((dept), (boss), ())",
            names: "dept|boss|sum(pay)|grouping(dept)|grouping(boss)",
            rows: [
                "eng|NULL|180|0|1", "NULL|NULL|100|1|0", "NULL|NULL|390|1|1", "NULL|1|230|1|0", "ops|NULL|120|0|1", "NULL|3|60|1|0",
                "NULL|NULL|90|0|1", "hr|NULL|NULL|0|1", "NULL|2|NULL|1|0",
            ]),
        Case(
            sql: "SELECT dept, sum(pay) FROM emp GROUP BY dept WITH ROLLUP",
            names: "dept|sum(pay)",
            rows: ["eng|180", "ops|120", "hr|NULL", "NULL|390", "NULL|90"]),
        Case(
            sql: "SELECT stddev(pay), stddev_pop(pay), variance(pay), var_pop(pay), skewness(pay), kurtosis(pay) FROM emp",
            names: "stddev(pay)|stddev_pop(pay)|variance(pay)|var_pop(pay)|skewness(pay)|kurtosis(pay)",
            rows: ["17.88854381999832|16.0|320.0|256.0|0.03515625|-1.5810546875"]),
        Case(
            sql:
                "SELECT corr(id, pay), covar_pop(id, pay), covar_samp(id, pay), regr_slope(pay, id), regr_intercept(pay, id), regr_r2(pay, id), regr_count(pay, id) FROM emp",
            names:
                "corr(id, pay)|covar_pop(id, pay)|covar_samp(id, pay)|regr_slope(pay, id)|regr_intercept(pay, id)|regr_r2(pay, id)|regr_count(pay, id)",
            rows: ["-0.35355339059327373|-8.0|-10.0|-4.0|90.0|0.12499999999999997|5"]),
        Case(
            sql:
                "SELECT percentile(pay, 0.3), median(pay), percentile_approx(pay, 0.5), percentile_approx(pay, array(0.25, 0.75)), percentile(pay, array(0.1, 0.9)) FROM emp",
            names:
                "percentile(pay, 0.3, 1)|median(pay)|percentile_approx(pay, 0.5, 10000)|percentile_approx(pay, array(0.25, 0.75), 10000)|percentile(pay, array(0.1, 0.9), 1)",
            rows: ["64.0|80.0|80|[60, 90]|[60.0, 96.0]"]),
        Case(
            sql:
                "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY pay), percentile_disc(0.25) WITHIN GROUP (ORDER BY pay DESC) FROM emp",
            names: "percentile_cont(0.25) WITHIN GROUP (ORDER BY pay)|percentile_disc(0.25) WITHIN GROUP (ORDER BY pay DESC)",
            rows: ["60.0|90.0"]),
        Case(
            sql: "SELECT mode(dept), any_value(dept), first(pay), last(pay), last(pay, true), first_value(boss) IGNORE NULLS FROM emp",
            names: "mode(dept)|any_value(dept)|first(pay)|last(pay)|last(pay)|first(boss)",
            rows: ["eng|eng|100|NULL|90|1"]),
        Case(
            sql: "SELECT max_by(name, pay), min_by(name, pay) FROM emp",
            names: "max_by(name, pay)|min_by(name, pay)",
            rows: ["ann|dee"]),
        Case(
            sql: "SELECT sort_array(collect_list(pay)), sort_array(collect_set(dept)), array_agg(boss) FROM emp",
            names: "sort_array(collect_list(pay), true)|sort_array(collect_set(dept), true)|collect_list(boss)",
            rows: ["[60, 60, 80, 90, 100]|[eng, hr, ops]|[1, 1, 3, 1, 2]"]),
        Case(
            sql: "SELECT bool_and(b), bool_or(b), every(b), some(b), count_if(b) FROM nums",
            names: "bool_and(b)|bool_or(b)|every(b)|some(b)|count_if(b)",
            rows: ["false|true|false|true|3"]),
        Case(
            sql: "SELECT bit_and(a), bit_or(a), bit_xor(a) FROM nums",
            names: "bit_and(a)|bit_or(a)|bit_xor(a)",
            rows: ["0|3|2"]),
        Case(
            sql: "SELECT approx_count_distinct(dept) FROM emp",
            names: "approx_count_distinct(dept)",
            rows: ["3"]),
        Case(
            sql:
                "SELECT listagg(name, ',') WITHIN GROUP (ORDER BY name DESC), string_agg(DISTINCT dept, '-') WITHIN GROUP (ORDER BY dept) FROM emp",
            names:
                "listagg(name, ,) WITHIN GROUP (ORDER BY name DESC NULLS LAST)|listagg(DISTINCT dept, -) WITHIN GROUP (ORDER BY dept ASC NULLS FIRST)",
            rows: ["fay,eve,dee,cid,bob,ann|eng-hr-ops"]),
        Case(
            sql: "SELECT sum(x), avg(x), min(x), max(x) FROM nums",
            names: "sum(x)|avg(x)|min(x)|max(x)",
            rows: ["3.5|0.875|-2.5|4.0"]),
        Case(
            sql: "SELECT sum(CAST(pay AS DECIMAL(10,2))), avg(CAST(pay AS DECIMAL(10,2))), max(CAST(pay AS DECIMAL(10,2))) FROM emp",
            names: "sum(CAST(pay AS DECIMAL(10,2)))|avg(CAST(pay AS DECIMAL(10,2)))|max(CAST(pay AS DECIMAL(10,2)))",
            rows: ["390.00|78.000000|100.00"]),
        Case(
            sql: "SELECT a, count(*) FROM nums GROUP BY a",
            names: "a|count(1)",
            rows: ["1|1", "2|2", "3|1", "NULL|1"]),
        Case(
            sql: "SELECT DISTINCT a FROM nums",
            names: "a",
            rows: ["1", "2", "3", "NULL"]),
        Case(
            sql: "SELECT DISTINCT dept FROM emp ORDER BY dept NULLS LAST",
            names: "dept",
            rows: ["eng", "hr", "ops", "NULL"]),
        Case(
            sql: "SELECT pay FROM emp ORDER BY pay",
            names: "pay",
            rows: ["NULL", "60", "60", "80", "90", "100"]),
        Case(
            sql: "SELECT pay FROM emp ORDER BY pay DESC",
            names: "pay",
            rows: ["100", "90", "80", "60", "60", "NULL"]),
        Case(
            sql: "SELECT pay FROM emp ORDER BY pay NULLS LAST",
            names: "pay",
            rows: ["60", "60", "80", "90", "100", "NULL"]),
        Case(
            sql: "SELECT pay FROM emp ORDER BY pay DESC NULLS FIRST",
            names: "pay",
            rows: ["NULL", "100", "90", "80", "60", "60"]),
        Case(
            sql: "SELECT x FROM nums ORDER BY x DESC LIMIT 2",
            names: "x",
            rows: ["4.0", "1.5"]),
        Case(
            sql: "SELECT id FROM emp ORDER BY id LIMIT 2 OFFSET 3",
            names: "id",
            rows: ["4", "5"]),
        Case(
            sql: "SELECT name FROM emp ORDER BY pay, id",
            names: "name",
            rows: ["fay", "cid", "dee", "bob", "eve", "ann"]),
        Case(
            sql: "SELECT name AS n FROM emp ORDER BY upper(n) DESC LIMIT 1",
            names: "n",
            rows: ["fay"]),
        Case(
            sql: "SELECT dept, pay FROM emp ORDER BY ALL",
            names: "dept|pay",
            rows: ["NULL|90", "eng|80", "eng|100", "hr|NULL", "ops|60", "ops|60"]),
        Case(
            sql: "SELECT id FROM emp WHERE dept IN (SELECT dept FROM dept)",
            names: "id",
            rows: ["1", "2", "3", "4"]),
        Case(
            sql: "SELECT id FROM emp WHERE dept NOT IN (SELECT dept FROM dept)",
            names: "id",
            rows: []),
        Case(
            sql: "SELECT id FROM emp WHERE dept NOT IN (SELECT dept FROM dept WHERE dept IS NOT NULL)",
            names: "id",
            rows: ["6"]),
        Case(
            sql: "SELECT id FROM emp WHERE id NOT IN (SELECT a FROM nums WHERE a > 100)",
            names: "id",
            rows: ["1", "2", "3", "4", "5", "6"]),
        Case(
            sql: "SELECT id, dept IN (SELECT dept FROM dept WHERE dept IS NOT NULL) AS k FROM emp",
            names: "id|k",
            rows: ["1|true", "2|true", "3|true", "4|true", "5|false", "6|false"]),
        Case(
            sql: "SELECT id FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.dept = e.dept)",
            names: "id",
            rows: ["1", "2", "3", "4"]),
        Case(
            sql: "SELECT id FROM emp e WHERE NOT EXISTS (SELECT 1 FROM dept d WHERE d.dept = e.dept)",
            names: "id",
            rows: ["5", "6"]),
        Case(
            sql: "SELECT id FROM emp e WHERE EXISTS (SELECT 1 FROM emp b WHERE b.boss = e.id AND b.pay < e.pay)",
            names: "id",
            rows: ["1"]),
        Case(
            sql: "SELECT name, (SELECT max(pay) FROM emp) AS top FROM emp",
            names: "name|top",
            rows: ["ann|100", "bob|100", "cid|100", "dee|100", "eve|100", "fay|100"]),
        Case(
            sql: "SELECT name, (SELECT title FROM dept d WHERE d.rank = 2) AS t FROM emp WHERE id = 1",
            names: "name|t",
            rows: ["ann|Operations"]),
        Case(
            sql: "SELECT name, (SELECT count(*) FROM emp b WHERE b.boss = e.id) AS reports FROM emp e",
            names: "name|reports",
            rows: ["ann|3", "bob|1", "cid|1", "dee|0", "eve|0", "fay|0"]),
        Case(
            sql: "SELECT name, (SELECT max(pay) FROM emp b WHERE b.boss = e.id) AS best FROM emp e",
            names: "name|best",
            rows: ["ann|90", "bob|NULL", "cid|60", "dee|NULL", "eve|NULL", "fay|NULL"]),
        Case(
            sql: "SELECT name FROM emp e WHERE pay > (SELECT avg(pay) FROM emp b WHERE b.dept = e.dept)",
            names: "name",
            rows: ["ann"]),
        Case(
            sql: "SELECT name FROM emp WHERE pay = (SELECT max(pay) FROM emp)",
            names: "name",
            rows: ["ann"]),
        Case(
            sql: "SELECT dept, sum(pay) FROM emp GROUP BY dept HAVING sum(pay) >= (SELECT avg(pay) * 2 FROM emp)",
            names: "dept|sum(pay)",
            rows: ["eng|180"]),
        Case(
            sql: "SELECT id FROM emp WHERE (dept, boss) IN (SELECT dept, boss FROM emp WHERE id > 2)",
            names: "id",
            rows: ["3", "4", "6"]),
        Case(
            sql: "SELECT dept FROM emp UNION SELECT dept FROM dept",
            names: "dept",
            rows: ["eng", "ops", "hr", "law", "NULL"]),
        Case(
            sql: "SELECT dept FROM emp UNION ALL SELECT dept FROM dept",
            names: "dept",
            rows: ["eng", "eng", "ops", "ops", "NULL", "hr", "eng", "ops", "law", "NULL"]),
        Case(
            sql: "SELECT dept FROM emp INTERSECT SELECT dept FROM dept",
            names: "dept",
            rows: ["eng", "ops", "NULL"]),
        Case(
            sql: "SELECT dept FROM emp EXCEPT SELECT dept FROM dept",
            names: "dept",
            rows: ["hr"]),
        Case(
            sql: "SELECT dept FROM emp EXCEPT ALL SELECT dept FROM dept",
            names: "dept",
            rows: ["eng", "ops", "hr"]),
        Case(
            sql: "SELECT dept FROM emp INTERSECT ALL SELECT dept FROM (SELECT dept FROM dept UNION ALL SELECT dept FROM dept)",
            names: "dept",
            rows: ["eng", "eng", "ops", "ops", "NULL"]),
        Case(
            sql: "SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 2",
            names: "1",
            rows: ["1", "2"]),
        Case(
            sql: "SELECT a FROM nums MINUS SELECT 2",
            names: "a",
            rows: ["1", "3", "NULL"]),
        Case(
            sql:
                "WITH w AS (SELECT dept, sum(pay) AS s FROM emp GROUP BY dept), v AS (SELECT max(s) AS m FROM w) SELECT w.dept FROM w JOIN v ON w.s = v.m",
            names: "dept",
            rows: ["eng"]),
        Case(
            sql: "WITH w(k) AS (SELECT id FROM emp) SELECT max(k) FROM w",
            names: "max(k)",
            rows: ["6"]),
        Case(
            sql: "SELECT name, row_number() OVER (PARTITION BY dept ORDER BY pay DESC, id) AS rn FROM emp",
            names: "name|rn",
            rows: ["eve|1", "ann|1", "bob|2", "fay|1", "cid|1", "dee|2"]),
        Case(
            sql:
                "SELECT name, rank() OVER (ORDER BY pay) r, dense_rank() OVER (ORDER BY pay) d, percent_rank() OVER (ORDER BY pay) p, cume_dist() OVER (ORDER BY pay) c FROM emp",
            names: "name|r|d|p|c",
            rows: [
                "fay|1|1|0.0|0.16666666666666666", "cid|2|2|0.2|0.5", "dee|2|2|0.2|0.5", "bob|4|3|0.6|0.6666666666666666",
                "eve|5|4|0.8|0.8333333333333334", "ann|6|5|1.0|1.0",
            ]),
        Case(
            sql: "SELECT name, ntile(4) OVER (ORDER BY id) FROM emp",
            names: "name|ntile(4) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            rows: ["ann|1", "bob|1", "cid|2", "dee|2", "eve|3", "fay|4"]),
        Case(
            sql: "SELECT name, lag(name) OVER (ORDER BY id), lead(name, 2, 'none') OVER (ORDER BY id) FROM emp",
            names:
                "name|lag(name, 1, NULL) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN -1 FOLLOWING AND -1 FOLLOWING)|lead(name, 2, none) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN 2 FOLLOWING AND 2 FOLLOWING)",
            rows: ["ann|NULL|cid", "bob|ann|dee", "cid|bob|eve", "dee|cid|fay", "eve|dee|none", "fay|eve|none"]),
        Case(
            sql: "SELECT name, sum(pay) OVER (PARTITION BY dept) FROM emp",
            names: "name|sum(pay) OVER (PARTITION BY dept ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)",
            rows: ["eve|90", "ann|180", "bob|180", "fay|NULL", "cid|120", "dee|120"]),
        Case(
            sql: "SELECT name, sum(pay) OVER (ORDER BY id) FROM emp",
            names: "name|sum(pay) OVER (ORDER BY id ASC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            rows: ["ann|100", "bob|180", "cid|240", "dee|300", "eve|390", "fay|390"]),
        Case(
            sql: "SELECT name, sum(pay) OVER (ORDER BY pay) FROM emp",
            names: "name|sum(pay) OVER (ORDER BY pay ASC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            rows: ["fay|NULL", "cid|120", "dee|120", "bob|200", "eve|290", "ann|390"]),
        Case(
            sql: "SELECT id, sum(pay) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM emp",
            names: "id|sum(pay) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
            rows: ["1|180", "2|240", "3|200", "4|210", "5|150", "6|90"]),
        Case(
            sql: "SELECT id, sum(pay) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM emp",
            names: "id|sum(pay) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)",
            rows: ["1|NULL", "2|100", "3|180", "4|240", "5|300", "6|390"]),
        Case(
            sql: "SELECT id, count(*) OVER (ORDER BY pay RANGE BETWEEN 20 PRECEDING AND CURRENT ROW) FROM emp",
            names: "id|count(1) OVER (ORDER BY pay ASC NULLS FIRST RANGE BETWEEN 20 PRECEDING AND CURRENT ROW)",
            rows: ["6|1", "3|2", "4|2", "2|3", "5|2", "1|3"]),
        Case(
            sql: "SELECT id, count(*) OVER (ORDER BY pay DESC RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING) FROM emp",
            names: "id|count(1) OVER (ORDER BY pay DESC NULLS LAST RANGE BETWEEN 10 PRECEDING AND 10 FOLLOWING)",
            rows: ["1|2", "5|3", "2|2", "3|2", "4|2", "6|1"]),
        Case(
            sql: "SELECT id, max(pay) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM emp",
            names: "id|max(pay) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)",
            rows: ["1|100", "2|90", "3|90", "4|90", "5|90", "6|NULL"]),
        Case(
            sql: "SELECT id, first_value(pay) OVER w, last_value(pay) OVER w, nth_value(pay, 2) OVER w FROM emp WINDOW w AS (ORDER BY id)",
            names:
                "id|first_value(pay) OVER (ORDER BY id ASC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)|last_value(pay) OVER (ORDER BY id ASC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)|nth_value(pay, 2) OVER (ORDER BY id ASC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            rows: ["1|100|100|NULL", "2|100|80|80", "3|100|60|80", "4|100|60|80", "5|100|90|80", "6|100|NULL|80"]),
        Case(
            sql: "SELECT id, first_value(boss) IGNORE NULLS OVER (ORDER BY id), last_value(boss, true) OVER (ORDER BY id DESC) FROM emp",
            names:
                "id|first(boss) OVER (ORDER BY id ASC NULLS FIRST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)|last_value(boss) OVER (ORDER BY id DESC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            rows: ["6|1|2", "5|1|1", "4|1|3", "3|1|1", "2|1|1", "1|NULL|1"]),
        Case(
            sql: "SELECT id, collect_list(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM emp",
            names: "id|collect_list(id) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            rows: ["1|[1]", "2|[1, 2]", "3|[2, 3]", "4|[3, 4]", "5|[4, 5]", "6|[5, 6]"]),
        Case(
            sql: "SELECT dept, sum(pay), sum(sum(pay)) OVER () AS total FROM emp GROUP BY dept",
            names: "dept|sum(pay)|total",
            rows: ["eng|180|390", "ops|120|390", "hr|NULL|390", "NULL|90|390"]),
        Case(
            sql: "SELECT dept, rank() OVER (ORDER BY count(*) DESC) FROM emp GROUP BY dept",
            names: "dept|RANK() OVER (ORDER BY count(1) DESC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            rows: ["eng|1", "ops|1", "hr|3", "NULL|3"]),
        Case(
            sql: "SELECT id, dept FROM emp QUALIFY row_number() OVER (PARTITION BY dept ORDER BY id) = 1",
            names: "id|dept",
            rows: ["5|NULL", "1|eng", "6|hr", "3|ops"]),
        Case(
            sql: "SELECT id, row_number() OVER (ORDER BY id DESC) AS rn FROM emp QUALIFY rn <= 2",
            names: "id|rn",
            rows: ["6|1", "5|2"]),
        Case(
            sql: "SELECT id, avg(pay) OVER (PARTITION BY dept ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM emp",
            names: "id|avg(pay) OVER (PARTITION BY dept ORDER BY id ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            rows: ["5|90.0", "1|100.0", "2|90.0", "6|NULL", "3|60.0", "4|60.0"]),
        Case(
            sql: "SELECT id, stddev(pay) OVER (ORDER BY id ROWS 2 PRECEDING) FROM emp",
            names: "id|stddev(pay) OVER (ORDER BY id ASC NULLS FIRST ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
            rows: ["1|NULL", "2|14.142135623730951", "3|20.0", "4|11.547005383792515", "5|17.320508075688775", "6|21.213203435596427"]),
        Case(
            sql: "SELECT id, explode(xs) FROM nested",
            names: "id|col",
            rows: ["1|1", "1|2", "1|3", "4|9", "4|NULL"]),
        Case(
            sql: "SELECT id, explode_outer(xs) AS x FROM nested",
            names: "id|x",
            rows: ["1|1", "1|2", "1|3", "2|NULL", "3|NULL", "4|9", "4|NULL"]),
        Case(
            sql: "SELECT id, posexplode(xs) FROM nested",
            names: "id|pos|col",
            rows: ["1|0|1", "1|1|2", "1|2|3", "4|0|9", "4|1|NULL"]),
        Case(
            sql: "SELECT id, posexplode_outer(xs) AS (p, v) FROM nested",
            names: "id|p|v",
            rows: ["1|0|1", "1|1|2", "1|2|3", "2|NULL|NULL", "3|NULL|NULL", "4|0|9", "4|1|NULL"]),
        Case(
            sql: "SELECT id, explode(m) FROM nested",
            names: "id|key|value",
            rows: ["1|a|1", "1|b|2", "4|z|NULL"]),
        Case(
            sql: "SELECT id, x FROM nested LATERAL VIEW explode(xs) t AS x",
            names: "id|x",
            rows: ["1|1", "1|2", "1|3", "4|9", "4|NULL"]),
        Case(
            sql: "SELECT id, x FROM nested LATERAL VIEW OUTER explode(xs) t AS x",
            names: "id|x",
            rows: ["1|1", "1|2", "1|3", "2|NULL", "3|NULL", "4|9", "4|NULL"]),
        Case(
            sql: "SELECT id, t.k, t.v FROM nested LATERAL VIEW explode(m) t AS k, v WHERE t.v > 1",
            names: "id|k|v",
            rows: ["1|b|2"]),
        Case(
            sql: "SELECT stack(2, 1, 'a', 2, 'b')",
            names: "col0|col1",
            rows: ["1|a", "2|b"]),
        Case(
            sql: "SELECT inline(array(struct(1, 'a'), struct(2, 'b')))",
            names: "col1|col2",
            rows: ["1|a", "2|b"]),
        Case(
            sql:
                "SELECT id, c0, c1 FROM (SELECT 1 AS id, '{\"a\":1,\"b\":{\"c\":\"x\"}}' AS j) LATERAL VIEW json_tuple(j, 'a', 'b') AS c0, c1",
            names: "id|c0|c1",
            rows: ["1|1|{\"c\":\"x\"}"]),
        Case(
            sql: "SELECT * FROM explode(array(10, 20))",
            names: "col",
            rows: ["10", "20"]),
        Case(
            sql: "SELECT * FROM range(3)",
            names: "id",
            rows: ["0", "1", "2"]),
        Case(
            sql: "SELECT * FROM range(10, 0, -4)",
            names: "id",
            rows: ["10", "6", "2"]),
        Case(
            sql: "SELECT id, x FROM nested, LATERAL explode(xs) AS t(x)",
            names: "id|x",
            rows: ["1|1", "1|2", "1|3", "4|9", "4|NULL"]),
        Case(
            sql: "SELECT * FROM (SELECT dept, boss, pay FROM emp) PIVOT (sum(pay) FOR boss IN (1, 2, 3))",
            names: "dept|1|2|3",
            rows: ["eng|80|NULL|NULL", "ops|60|NULL|60", "hr|NULL|NULL|NULL", "NULL|90|NULL|NULL"]),
        Case(
            sql:
                "SELECT * FROM (SELECT dept, boss, pay FROM emp) PIVOT (sum(pay) AS s, count(pay) AS c FOR boss IN (1 AS one, 3 AS three))",
            names: "dept|one_s|one_c|three_s|three_c",
            rows: ["eng|80|1|NULL|NULL", "ops|60|1|60|1", "hr|NULL|NULL|NULL|NULL", "NULL|90|1|NULL|NULL"]),
        Case(
            sql: "SELECT * FROM (SELECT id, pay, boss FROM emp) UNPIVOT (v FOR k IN (pay, boss))",
            names: "id|k|v",
            rows: ["1|pay|100", "2|pay|80", "2|boss|1", "3|pay|60", "3|boss|1", "4|pay|60", "4|boss|3", "5|pay|90", "5|boss|1", "6|boss|2"]),
        Case(
            sql: "SELECT * FROM (SELECT id, pay, boss FROM emp) UNPIVOT INCLUDE NULLS (v FOR k IN (pay AS p, boss AS b))",
            names: "id|k|v",
            rows: ["1|p|100", "1|b|NULL", "2|p|80", "2|b|1", "3|p|60", "3|b|1", "4|p|60", "4|b|3", "5|p|90", "5|b|1", "6|p|NULL", "6|b|2"]),
        Case(
            sql: "SELECT * FROM VALUES (1, 'a'), (2, NULL) AS t(x, y)",
            names: "x|y",
            rows: ["1|a", "2|NULL"]),
        Case(
            sql: "VALUES (1, 2), (3, 4)",
            names: "col1|col2",
            rows: ["1|2", "3|4"]),
        Case(
            sql: "SELECT t.* FROM emp t WHERE t.id = 1",
            names: "id|name|dept|pay|boss",
            rows: ["1|ann|eng|100|NULL"]),
        Case(
            sql: "SELECT e.*, d.title FROM emp e JOIN dept d ON e.dept = d.dept WHERE e.id = 2",
            names: "id|name|dept|pay|boss|title",
            rows: ["2|bob|eng|80|1|Engines"]),
        Case(
            sql: "SELECT a AS b, b + 1 AS c FROM (SELECT 1 AS a)",
            names: "b|c",
            rows: ["1|2"]),
        Case(
            sql: "SELECT INTERVAL '1' DAY, INTERVAL 2 YEAR 3 MONTHS, INTERVAL '1 02:03:04' DAY TO SECOND",
            names: "INTERVAL '1' DAY|INTERVAL '2-3' YEAR TO MONTH|INTERVAL '1 02:03:04' DAY TO SECOND",
            rows: ["INTERVAL '1' DAY|INTERVAL '2-3' YEAR TO MONTH|INTERVAL '1 02:03:04' DAY TO SECOND"]),
        Case(
            sql: "SELECT id, CASE WHEN pay > 80 THEN 'high' WHEN pay > 60 THEN 'mid' ELSE 'low' END FROM emp",
            names: "id|CASE WHEN (pay > 80) THEN high WHEN (pay > 60) THEN mid ELSE low END",
            rows: ["1|high", "2|mid", "3|low", "4|low", "5|high", "6|low"]),
        Case(
            sql: "SELECT count(*) FROM emp TABLESAMPLE (100 PERCENT)",
            names: "count(1)",
            rows: ["6"]),
        Case(
            sql: "SELECT max(struct(pay, name)) FROM emp",
            names: "max(struct(pay, name))",
            rows: ["{100, ann}"]),
        Case(
            sql: "SELECT dept, max(pay) - min(pay) AS spread FROM emp GROUP BY dept ORDER BY spread NULLS FIRST, dept",
            names: "dept|spread",
            rows: ["hr|NULL", "NULL|0", "ops|0", "eng|20"]),
        Case(
            sql: "SELECT a, sum(x) FROM nums WHERE b OR a IS NULL GROUP BY a ORDER BY a",
            names: "a|sum(x)",
            rows: ["NULL|4.0", "1|1.5", "2|0.5"]),
        Case(
            sql: "FROM emp SELECT id WHERE id < 3",
            names: "id",
            rows: ["1", "2"]),
        Case(
            sql: "TABLE dept",
            names: "dept|title|rank",
            rows: ["eng|Engines|1", "ops|Operations|2", "law|Law|3", "NULL|None|4"]),
        Case(
            sql: "SELECT (SELECT 1) + (SELECT 2) AS three",
            names: "three",
            rows: ["3"]),
        Case(
            sql: "SELECT id FROM emp WHERE pay BETWEEN 60 AND 90 AND NOT dept IS NULL",
            names: "id",
            rows: ["2", "3", "4"]),
        Case(
            sql: "SELECT dept, count(*) FROM emp GROUP BY dept, boss",
            names: "dept|count(1)",
            rows: ["eng|1", "ops|1", "ops|1", "hr|1", "eng|1", "NULL|1"]),
        Case(
            sql: "SELECT first(name) FROM emp WHERE pay IS NULL",
            names: "first(name)",
            rows: ["fay"]),
        Case(
            sql: "SELECT grouping(dept), dept FROM emp GROUP BY dept, boss WITH CUBE",
            names: "grouping(dept)|dept",
            rows: [
                "0|eng", "0|ops", "0|ops", "0|hr", "0|eng", "0|eng", "1|NULL", "1|NULL", "1|NULL", "0|ops", "1|NULL", "0|NULL", "0|NULL",
                "0|hr", "1|NULL",
            ]),
    ]

    /// Queries that Spark refuses, with the error's class.
    static let refusals: [(sql: String, errorClass: String)] = [
        ("SELECT nope FROM emp", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        ("SELECT * FROM nothere", "TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT dept, pay FROM emp GROUP BY dept", "MISSING_AGGREGATION"),
        ("SELECT dept, count(*) FROM emp", "MISSING_GROUP_BY"),
        ("SELECT dept FROM emp e JOIN dept d ON e.dept = d.dept", "AMBIGUOUS_REFERENCE"),
        ("SELECT 1 UNION SELECT 1, 2", "NUM_COLUMNS_MISMATCH"),
        ("SELECT * FROM emp WHERE pay", "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN"),
        ("SELECT * FROM emp ORDER BY 9", "ORDER_BY_POS_OUT_OF_RANGE"),
        ("SELECT count(*) FROM emp GROUP BY 3", "GROUP_BY_POS_OUT_OF_RANGE"),
        ("SELECT sum(max(pay)) FROM emp", "NESTED_AGGREGATE_FUNCTION"),
        ("SELECT (SELECT id, name FROM emp)", "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN"),
        ("SELECT id IN (SELECT id, name FROM emp) FROM emp", "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH"),
        ("SELECT * FROM emp JOIN dept USING (nope)", "UNRESOLVED_USING_COLUMN_FOR_JOIN"),
        ("SELECT row_number() FROM emp", "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE"),
        ("SELECT 1 +", "PARSE_SYNTAX_ERROR"),
        ("SELECT a.* FROM emp", "CANNOT_RESOLVE_STAR_EXPAND"),
        ("SELECT id FROM emp LIMIT -1", "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE"),
        ("SELECT 1 AS a UNION BY NAME SELECT 2 AS b", "PARSE_SYNTAX_ERROR"),
        ("SELECT rank() OVER w FROM emp", "MISSING_WINDOW_SPECIFICATION"),
    ]
}
