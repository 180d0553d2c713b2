// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using ColoWire.Control;
using NUnit.Framework;

namespace ColoWire.Tests.Control;

/// <summary>Bytes on the control socket that no <c>colowire ctl</c> sends.</summary>
[NonParallelizable]
internal sealed class HostileRequestTests
{
    private const int PatienceMs = 20_000;
    private const string Host = "Host: x\r\nConnection: close\r\n";

    [TestCase("GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404,
        "known are GET /status, POST /checkpoint, POST /failover/primary")]
    [TestCase("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "the path is unknown")]
    [TestCase("GET /flush HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405, "/flush wants POST")]
    [TestCase("DELETE /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405, "/status wants GET")]
    [TestCase("POST /flush?all HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400, "/flush takes no parameters")]
    [TestCase("POST /flush HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n", 413,
        "an order has no body")]
    [TestCase("POST /flush HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n", 413,
        "an order has no body")]
    public void What_is_no_order_is_refused_with_a_clear_line(string request, int status, string error)
    {
        using ControlRig rig = new();
        string answer = Exchange(rig, request);
        Assert.That(answer, Does.StartWith($"HTTP/1.1 {status} "));
        Assert.That(answer, Does.Contain("{\"error\":\"").And.Contain(error));
        Assert.That(answer.TrimEnd().Split("\r\n\r\n")[1].Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    public void Long_lines_many_headers_and_nonsense_are_cut_off()
    {
        using ControlRig rig = new();
        Assert.That(Exchange(rig, $"GET /{new string('x', 2000)} HTTP/1.1\r\n{Host}\r\n"), Does.StartWith("HTTP/1.1 414 "));
        string headers = string.Concat(Enumerable.Range(0, 40).Select(i => $"X-{i}: y\r\n"));
        Assert.That(Exchange(rig, $"GET /status HTTP/1.1\r\n{Host}{headers}\r\n"), Does.StartWith("HTTP/1.1 431 "));
        Assert.That(
            Exchange(rig, $"GET /status HTTP/1.1\r\n{Host}X: {new string('y', 5000)}\r\n\r\n"), Does.StartWith("HTTP/1.1 431 "));
        Assert.That(Exchange(rig, "\0\0\0\u0010nonsense\r\n\r\n"), Does.StartWith("HTTP/1.1 400 "));
        Assert.That(rig.Order("status").Done, Is.True, "and the next one is served");
    }

    [Test]
    public void Those_who_say_nothing_are_bounded_and_cut_off_in_time()
    {
        using ControlRig rig = new();
        List<Socket> silent = [];
        try
        {
            for (int i = 0; i < ControlService.MaxConnections; i++)
            {
                Socket socket = Connect(rig);
                // Half of them begin to speak.
                if (i % 2 == 0)
                {
                    socket.Send("GET /sta"u8);
                }

                silent.Add(socket);
            }

            // One too many is not kept, as soon as the server has counted those who came before it.
            ControlRig.WaitUntil(() => !Serves(rig));
            long start = Stopwatch.GetTimestamp();
            foreach (Socket socket in silent)
            {
                Read(socket);
            }

            Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(10)));
            ControlRig.WaitUntil(() => Serves(rig));
        }
        finally
        {
            silent.ForEach(socket => socket.Dispose());
        }
    }

    [Test]
    public void A_connection_that_stays_open_does_not_hold_a_stop()
    {
        using ControlRig rig = new();
        using Socket idle = Connect(rig);
        using Socket speaking = Connect(rig);
        speaking.Send("GET /sta"u8);
        Assert.That(rig.Order("status").Done, Is.True, "both were accepted before");
        long start = Stopwatch.GetTimestamp();
        rig.StopServer();
        Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(TimeSpan.FromSeconds(2)));
    }

    private static bool Serves(ControlRig rig)
    {
        try
        {
            return rig.Order("status").Done;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string Exchange(ControlRig rig, string request)
    {
        using Socket socket = Connect(rig);
        socket.Send(Encoding.Latin1.GetBytes(request));
        return Read(socket);
    }

    private static Socket Connect(ControlRig rig)
    {
        Socket socket = ControlSocket.NewSocket();
        socket.ReceiveTimeout = PatienceMs;
        socket.Connect(new UnixDomainSocketEndPoint(rig.Path));
        return socket;
    }

    /// <summary>All that comes until the connection ends.</summary>
    private static string Read(Socket socket)
    {
        StringBuilder text = new();
        byte[] buffer = new byte[4096];
        try
        {
            for (int count = socket.Receive(buffer); count != 0; count = socket.Receive(buffer))
            {
                text.Append(Encoding.ASCII.GetString(buffer, 0, count));
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Cut off with bytes of ours unread.
        }

        return text.ToString();
    }
}
