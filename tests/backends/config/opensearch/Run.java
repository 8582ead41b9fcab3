import org.codelibs.opensearch.runner.OpenSearchRunner;

/** One OpenSearch node on loopback; its arguments are a folder, the port for HTTP and the one for nodes. */
public final class Run {
    public static void main(String[] arguments) throws InterruptedException {
        OpenSearchRunner runner = new OpenSearchRunner();
        runner.onBuild((number, settings) -> {
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", arguments[1]);
            settings.put("transport.port", arguments[2]);
            settings.put("discovery.type", "single-node");
            // A disk that is nearly full must not decide a test.
            settings.put("cluster.routing.allocation.disk.threshold_enabled", "false");
        });
        runner.build(
                OpenSearchRunner.newConfigs().basePath(arguments[0]).numOfNode(1).clusterName("backends"));
        runner.ensureYellow();
        Thread.currentThread().join();
    }
}
