// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Tasks;
using ColoWire.Options;

namespace ColoWire.Control;

/// <summary>Sends an order to a control socket.</summary>
internal static class ControlClient
{
    /// <summary>Largest answer that is accepted.</summary>
    private const int MaxAnswerBytes = 1 << 20;

    /// <summary>How long to wait for an answer: longer than the longest order takes.</summary>
    private static readonly TimeSpan Patience = ApplianceControl.CheckpointPatience + TimeSpan.FromSeconds(5);

    /// <summary>Sends the order, and waits for the answer.</summary>
    /// <param name="path">The path of the socket.</param>
    /// <param name="order">The order.</param>
    /// <returns>Whether the order was carried out, and the answer: a JSON object.</returns>
    /// <exception cref="OptionException">No process listens there, or this user may not connect.</exception>
    /// <exception cref="IOException">There is no answer, or none of ColoWire.</exception>
    public static (bool Done, JsonElement Answer) Send(string path, ControlOrder order)
    {
        using Socket socket = Connect(path);
        using SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            UseCookies = false,
            ConnectCallback = (_, _) => ValueTask.FromResult<Stream>(new NetworkStream(socket)),
        };
        using HttpClient client = new(handler) { Timeout = Patience, MaxResponseContentBufferSize = MaxAnswerBytes };
        // An HTTP request needs a host name; a unix socket has none.
        using HttpRequestMessage request = new(new HttpMethod(order.Method), new Uri("http://localhost" + order.Path));
        try
        {
            using HttpResponseMessage response = client.Send(request);
            using Stream body = response.Content.ReadAsStream();
            using JsonDocument answer = JsonDocument.Parse(body);
            return answer.RootElement.ValueKind == JsonValueKind.Object
                ? (response.IsSuccessStatusCode, answer.RootElement.Clone())
                : throw new IOException($"'{path}': what listens there is no ColoWire");
        }
        catch (JsonException exception)
        {
            throw new IOException($"'{path}': what listens there is no ColoWire", exception);
        }
        catch (HttpRequestException exception)
        {
            throw new IOException(
                exception.HttpRequestError is HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded
                    ? $"'{path}': what listens there is no ColoWire"
                    : $"'{path}': no answer to '{order.Words}': the connection was closed before the answer was complete",
                exception);
        }
        catch (OperationCanceledException exception)
        {
            throw new IOException($"'{path}': no answer to '{order.Words}' within {Patience.TotalSeconds} s", exception);
        }
    }

    private static Socket Connect(string path)
    {
        Socket socket = ControlSocket.NewSocket();
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new OptionException(exception.SocketErrorCode == SocketError.AccessDenied
                ? $"'{path}': it may not be used: only root, and the user and group that ColoWire runs as, give orders"
                : $"'{path}': nobody listens there: start ColoWire with control_socket, or name its socket with --socket");
        }
    }
}
