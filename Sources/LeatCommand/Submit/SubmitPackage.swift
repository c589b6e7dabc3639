import Foundation

/// The small Python package that `leat submit` puts in front of a script, written to a cache folder.
///
/// It lets pass what PySpark refuses before it dials a Connect server, or on one: `.master(…)` on the builder, and the attributes of
/// `spark.sparkContext` that scripts touch. What has no effect is said once, on standard error.
enum SubmitPackage {
    /// The folder that goes to the front of PYTHONPATH; written when it is not there yet as this binary has it.
    static func folder() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let caches = environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory() + "/.cache"
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in sitecustomize.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let folder = "\(caches)/leat/submit-\(String(hash, radix: 16))"
        let file = folder + "/sitecustomize.py"
        if (try? String(contentsOfFile: file, encoding: .utf8)) == sitecustomize { return folder }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(sitecustomize.utf8).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw SubmitError(
                problem: "the Python package for the script cannot be written to \(folder): \(error.localizedDescription)",
                nextStep: "set XDG_CACHE_HOME to a folder that can be written")
        }
        return folder
    }

    private static let sitecustomize = #"""
        """Put in front of a script by `leat submit`, so that a script written for spark-submit runs on Spark Connect."""

        import importlib.abc
        import importlib.machinery
        import importlib.util
        import json
        import os
        import sys

        _HERE = os.path.dirname(os.path.abspath(__file__))
        _SAID = set()


        def _say(key, text):
            if key not in _SAID:
                _SAID.add(key)
                print("leat submit: " + text, file=sys.stderr)


        def _settings():
            return json.loads(os.environ.get("LEAT_SUBMIT_CONF") or "{}")


        class _Broadcast:
            """A value that is where the script is: nothing is sent ahead of time."""

            def __init__(self, value):
                self.value = value

            def unpersist(self, blocking=False):
                pass

            def destroy(self, blocking=False):
                pass


        class _Conf:
            def __init__(self, session):
                self._session = session

            def get(self, key, defaultValue=None):
                return self._session.conf.get(key, defaultValue)

            def contains(self, key):
                return self._session.conf.get(key, None) is not None

            def getAll(self):
                return sorted(self._session.conf.getAll.items())

            def toDebugString(self):
                return "\n".join(f"{key}={value}" for key, value in self.getAll())


        class _Context:
            """The attributes of a SparkContext that mean something without a JVM."""

            uiWebUrl = None
            defaultParallelism = os.cpu_count() or 1
            defaultMinPartitions = min(os.cpu_count() or 1, 2)
            startTime = 0
            _jvm = None

            def __init__(self, session):
                self._session = session

            def __repr__(self):
                return f"<SparkContext of Spark Connect at {os.environ.get('SPARK_REMOTE')}>"

            def setLogLevel(self, logLevel):
                _say("setLogLevel", f"sparkContext.setLogLevel({logLevel!r}) has no effect: the engine's log is the server's (log.level)")

            def _no_effect(name):
                def method(self, *arguments, **named):
                    _say(name, f"sparkContext.{name}(...) has no effect on Spark Connect")

                return method

            for _name in ("setJobGroup", "setJobDescription", "setCheckpointDir", "setLocalProperty", "cancelAllJobs", "cancelJobGroup"):
                locals()[_name] = _no_effect(_name)
            del _name, _no_effect

            def getLocalProperty(self, key):
                return None

            @property
            def version(self):
                return self._session.version

            @property
            def appName(self):
                return self._session.conf.get("spark.app.name", "leat submit")

            @property
            def applicationId(self):
                return "leat-" + self._session.session_id

            @property
            def master(self):
                return os.environ.get("SPARK_REMOTE")

            @property
            def pythonVer(self):
                return "%d.%d" % sys.version_info[:2]

            def sparkUser(self):
                return os.environ.get("USER", "")

            def getConf(self):
                return _Conf(self._session)

            def broadcast(self, value):
                return _Broadcast(value)

            def addPyFile(self, path):
                self._session.addArtifacts(path, pyfile=True)

            def addFile(self, path, recursive=False):
                self._session.addArtifacts(path, file=True)

            def stop(self):
                self._session.stop()

            def __getattr__(self, name):
                raise AttributeError(
                    f"sparkContext.{name} needs a JVM (RDDs and Java objects do); Leat has none. DataFrames and SQL do without."
                )


        def _patch_builder(module):
            builder = module.SparkSession.Builder
            master, config, get_or_create = builder.master, builder.config, builder.getOrCreate

            def said(value):
                remote = os.environ.get("SPARK_REMOTE")
                _say("master", f".master({value!r}) has no effect: the script runs on {remote}")

            def new_master(self, value):
                said(value)
                return self

            def new_config(self, key=None, value=None, *, conf=None, map=None):
                if conf is not None:
                    map, conf = dict(conf.getAll()), None
                if map is not None:
                    if "spark.master" in map:
                        said(map["spark.master"])
                    return config(self, map={k: v for k, v in map.items() if k != "spark.master"})
                if key == "spark.master":
                    return new_master(self, value)
                return config(self, key, value)

            def new_get_or_create(self):
                for key, value in _settings().items():
                    self._options.setdefault(key, value)
                # The server runs the script's functions with the script's own interpreter.
                self._options.setdefault("spark.pyspark.python", sys.executable)
                return get_or_create(self)

            new_master.__doc__, new_config.__doc__, new_get_or_create.__doc__ = master.__doc__, config.__doc__, get_or_create.__doc__
            builder.master, builder.config, builder.getOrCreate = new_master, new_config, new_get_or_create


        def _patch_connect_session(module):
            def spark_context(self):
                context = self.__dict__.get("_leat_context")
                if context is None:
                    context = self.__dict__["_leat_context"] = _Context(self)
                return context

            module.SparkSession.sparkContext = property(spark_context)


        _PATCHES = {"pyspark.sql.session": _patch_builder, "pyspark.sql.connect.session": _patch_connect_session}


        class _Loader(importlib.abc.Loader):
            def __init__(self, loader, patch):
                self._loader, self._patch = loader, patch

            def __getattr__(self, name):
                return getattr(self._loader, name)

            def create_module(self, spec):
                return self._loader.create_module(spec)

            def exec_module(self, module):
                self._loader.exec_module(module)
                self._patch(module)


        class _Finder(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                patch = _PATCHES.get(name)
                if patch is None:
                    return None
                spec = importlib.machinery.PathFinder.find_spec(name, path, target)
                if spec is not None and spec.loader is not None:
                    spec.loader = _Loader(spec.loader, patch)
                return spec


        def _next_sitecustomize():
            """The interpreter's own, which this one stands before."""
            paths = [path for path in sys.path if os.path.abspath(path or os.curdir) != _HERE]
            spec = importlib.machinery.PathFinder.find_spec("sitecustomize", paths)
            if spec is not None and spec.loader is not None:
                spec.loader.exec_module(importlib.util.module_from_spec(spec))


        sys.meta_path.insert(0, _Finder())
        _next_sitecustomize()
        """#
}
